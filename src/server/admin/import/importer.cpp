#include "server/admin/import/importer.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "server/auth/password_hash.hpp"
#include "server/auth/wrapped_hash.hpp"

namespace securelogin::admin {
namespace {

constexpr std::size_t kBatch = 64;                                       // rows: half a second's hashing
constexpr std::size_t kBatchesEach = 4;                                  // under way, for each thread
constexpr int kInvited = 1, kWrapped = 2, kWeaker = 4, kNoPassword = 8;  // StagedAccount::note

std::string quoted(const std::string& name) { return '"' + name + '"'; }

int note_of(const Newcomer& newcomer) noexcept
{
    return (newcomer.is_invited() ? kInvited : 0) | (newcomer.is_wrapped() ? kWrapped : 0) |
           (newcomer.weaker ? kWeaker : 0) | (newcomer.lacks_password() ? kNoPassword : 0);
}

}  // namespace

Importer::Importer(store::ImportStaging& staging, auth::Random& random, const Plan& plan, Progress progress)
    : staging_(staging),
      random_(random),
      plan_(plan),
      progress_(std::move(progress)),
      unusable_(auth::made_up_hash(plan.hash, random)),
      // Half of all ids are left for the run to grow into.
      last_id_(auth::random_id(random) / 2),
      crew_(std::max<std::size_t>(plan.threads, 1))
{
}

ImportSummary Importer::gather(RowSource& rows)
{
    unit_ = rows.unit();
    rows.read([&](ImportRow row) { add(std::move(row)); });
    send_off();
    while (!under_way_.empty()) settle_oldest();
    staging_.drop_taken(plan_.now, [&](const store::ImportStaging::Taken& taken) {
        count(taken.staged.note, false);
        pass_over({.row = taken.staged.row,
                   .name = taken.staged.spelled,
                   .reason = taken.invited
                                 ? taken.name + " has been invited already: user remove takes that back"
                                 : "there is an account " + taken.name + " already"});
    });
    std::ranges::sort(summary_.passed_over, {}, &PassedOver::row);
    return std::move(summary_);
}

void Importer::add(ImportRow row)
{
    Prepared prepared{.row = std::move(row), .id = next_id()};
    batch_.push_back(std::move(prepared));
    if (batch_.size() == kBatch) send_off();
}

void Importer::send_off()
{
    if (batch_.empty()) return;
    if (under_way_.size() == kBatchesEach * crew_.threads()) settle_oldest();
    // std::function copies what it holds; a promise and a batch can only be moved.
    struct Errand {
        Batch batch;
        std::promise<Batch> done = {};
    };
    auto errand = std::make_shared<Errand>(Errand{.batch = std::exchange(batch_, {})});
    batch_.reserve(kBatch);
    under_way_.push_back(errand->done.get_future());
    crew_.give([this, errand, whole = plan_.apply && !is_doomed()](WorkCrew::Desk& desk) {
        try {
            prepare(errand->batch, desk, whole);
            errand->done.set_value(std::move(errand->batch));
        } catch (...) {
            errand->done.set_exception(std::current_exception());
        }
    });
}

void Importer::settle_oldest()
{
    auto batch = under_way_.front().get();
    under_way_.pop_front();
    for (auto& prepared : batch) settle(prepared);
    progress_(batch.back().row.position, summary_.rows);
}

void Importer::settle(Prepared& prepared)
{
    auto& row = prepared.row;
    ++summary_.rows;
    if (const auto* const why = std::get_if<std::string>(&prepared.result)) {
        pass_over({.row = row.number,
                   .name = std::move(row.name),
                   .reason = *why,
                   .fault = !row.left_out || row.fault});
        return;
    }
    const auto& account = std::get<store::StagedAccount>(prepared.result);
    if (const auto namesake = staging_.stage(account)) {
        const auto by = quoted(namesake->spelled) + " of " + unit_ + ' ' + std::to_string(namesake->row);
        pass_over(
            {.row = row.number, .name = std::move(row.name), .reason = "its name is also that of " + by});
        return;
    }
    count(account.note, true);
}

void Importer::prepare(Batch& batch, WorkCrew::Desk& desk, bool whole) const
{
    for (auto& prepared : batch) prepare(prepared, desk, whole);
}

void Importer::prepare(Prepared& prepared, WorkCrew::Desk& desk, bool whole) const
{
    const auto& row = prepared.row;
    if (const auto& why_not = row.fault ? row.fault : row.left_out) {
        prepared.result = *why_not;
        return;
    }
    auto judged = judge(row);
    if (auto* const why = std::get_if<std::string>(&judged)) {
        prepared.result = std::move(*why);
        return;
    }
    const auto& newcomer = std::get<Newcomer>(judged);
    store::StagedAccount account{.id = prepared.id,
                                 .name = newcomer.name,
                                 .spelled = row.name,
                                 .row = row.number,
                                 .invited = newcomer.is_invited(),
                                 .note = note_of(newcomer),
                                 .totp_last_step = row.totp_last_step,
                                 .totp_failures = row.totp_failures,
                                 .must_change_password = row.must_change_password};
    if (whole) seal(newcomer, account, desk);
    prepared.result = std::move(account);
}

void Importer::seal(const Newcomer& newcomer, store::StagedAccount& account, WorkCrew::Desk& desk) const
{
    if (const auto* const old = std::get_if<auth::OldHash>(&newcomer.password)) {
        desk.prepare_for(plan_.hash);
        account.password = staging_.seal_password(auth::wrap_old_hash(*old, plan_.hash), account.id,
                                                  account.name, desk.nonces);
    } else {
        const auto* const phc = std::get_if<Secret>(&newcomer.password);
        account.password =
            staging_.seal_password(phc != nullptr ? *phc : unusable_, account.id, account.name, desk.nonces);
    }
    if (!newcomer.totp) return;
    account.totp_secret = staging_.seal_totp(newcomer.totp->secret, account.id, account.name, desk.nonces);
    account.totp = newcomer.totp->parameters;
}

void Importer::count(int note, bool in)
{
    const auto change = [in](std::uint64_t& number) { in ? ++number : --number; };
    change(summary_.accounts);
    if ((note & kInvited) != 0) change(summary_.invited);
    if ((note & kNoPassword) != 0) change(summary_.no_password);
    if ((note & kWrapped) != 0) change(summary_.wrapped);
    if ((note & kWeaker) != 0) change(summary_.weaker);
}

void Importer::pass_over(PassedOver passed)
{
    ++(passed.fault ? summary_.faults : summary_.left_out);
    if (summary_.passed_over.size() < ImportSummary::kMostListed)
        summary_.passed_over.push_back(std::move(passed));
}

/// Random, and growing: indexes are then appended to, where they would otherwise be rewritten page by page.
auth::UserId Importer::next_id()
{
    last_id_ += 1 + std::int64_t{random_number()};
    return auth::UserId{last_id_};
}

/// Drawn in bulk: a system call for each would cost more than all else that is done with a row.
std::uint32_t Importer::random_number()
{
    if (numbers_left_ == 0) {
        random_.fill(std::span(reinterpret_cast<std::uint8_t*>(numbers_.data()), sizeof numbers_));
        numbers_left_ = numbers_.size();
    }
    return numbers_.at(--numbers_left_);
}

}  // namespace securelogin::admin
