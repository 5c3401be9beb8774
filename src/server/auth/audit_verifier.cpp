#include "server/auth/audit_verifier.hpp"

#include <algorithm>
#include <utility>

namespace securelogin::auth {
namespace {

/// `record 7`, `records 7 to 9`.
std::string records(std::int64_t first, std::int64_t last)
{
    if (first == last) return "record " + std::to_string(first);
    return "records " + std::to_string(first) + " to " + std::to_string(last);
}

constexpr std::string_view kPutBack = "the audit, or all of the data directory, has been put back or cut off";

}  // namespace

AuditVerifier::AuditVerifier(const AuditChain& chain, std::optional<AuditMark> checkpoint,
                             std::span<const EarlierChain> earlier)
    : chain_(chain), earlier_(earlier), checkpoint_(checkpoint)
{
}

/// The head is never under an earlier one: who has a key that was retired cannot cut the audit off there.
const AuditChain& AuditVerifier::chain_of(std::int64_t record) const
{
    const auto found = std::ranges::lower_bound(earlier_, record, {}, &EarlierChain::last_id);
    return found == earlier_.end() ? chain_ : found->chain;
}

bool AuditVerifier::take(const AuditEntry& entry)
{
    if (findings_.fault) return false;
    const auto id = entry.mark.id;
    const auto next = findings_.last.id + 1;
    if (id < next) {
        find(id, "record " + std::to_string(id) + " is no record of ours: its number is not due");
    } else if (!entry.well_formed ||
               !same(entry.mark.mac, chain_of(id).mark(findings_.last.mac, id, entry.record).mac)) {
        // A gap that the MAC knows of was there when the chain was begun.
        if (id > next) {
            find(next, records(next, id - 1) + (id - 1 > next ? " have" : " has") + " been dropped");
        } else {
            find(id, "record " + std::to_string(id) + " has been changed, or another put in its place");
        }
    } else if (checkpoint_ && checkpoint_->id == id && !same(checkpoint_->mac, entry.mark.mac)) {
        if (entry.record.event == kRestored) findings_.restored = entry;
        find(id, "record " + std::to_string(id) + " is not the one of the checkpoint: " + put_back());
    } else {
        findings_.records += 1;
        findings_.last = entry.mark;
        if (checkpoint_ && checkpoint_->id == id) checkpoint_seen_ = true;
        if (entry.record.event == kChainBegins) findings_.begin = entry;
        if (entry.record.event == kRestored) findings_.restored = entry;
    }
    return !findings_.fault;
}

AuditFindings AuditVerifier::finish(const std::optional<AuditHead>& head)
{
    if (!findings_.fault) check_end(head);
    return std::move(findings_);
}

void AuditVerifier::check_end(const std::optional<AuditHead>& head)
{
    const auto last = findings_.last.id;
    const auto after = "whether record " + std::to_string(last + 1) + " and later ones have been cut off";
    if (!head) {
        find(last + 1, "the audit's head is gone: " + after + " cannot be told");
    } else if (!chain_.is_genuine(*head)) {
        find(last + 1, "the audit's head has been changed: " + after + " cannot be told");
    } else if (head->last.id > last) {
        find(last + 1, records(last + 1, head->last.id) + (head->last.id > last + 1 ? " have" : " has") +
                           " been cut off");
    } else if (head->last.id < last) {
        find(head->last.id + 1, "the audit's head has been put back to record " +
                                    std::to_string(head->last.id) + ": it does not know " +
                                    records(head->last.id + 1, last));
    } else if (!same(head->last.mac, findings_.last.mac)) {
        find(last, "the audit's head belongs to another record " + std::to_string(last));
    } else if (checkpoint_ && !checkpoint_seen_) {
        find(std::min(checkpoint_->id, last + 1),
             "the checkpoint's record " + std::to_string(checkpoint_->id) + " is missing: " + put_back());
    }
}

/// A restore that was ours looks the same to a checkpoint from before it.
std::string AuditVerifier::put_back() const
{
    if (!findings_.restored) return std::string(kPutBack);
    return std::string(kPutBack) + "; record " + std::to_string(findings_.restored->mark.id) +
           " says that a backup was restored";
}

void AuditVerifier::find(std::int64_t record, std::string what)
{
    findings_.fault = AuditFault{.record = record, .what = std::move(what)};
}

}  // namespace securelogin::auth
