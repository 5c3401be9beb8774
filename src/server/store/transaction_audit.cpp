// The audit, and the key that it and all secrets are under: sqlite_transaction.hpp.
#include <memory>
#include <string_view>
#include <utility>

#include "server/store/execution.hpp"
#include "server/store/rows.hpp"
#include "server/store/sqlite_transaction.hpp"

namespace securelogin::store {

/// The end is read here, in the transaction, and never remembered: another process may have written too.
auth::AuditMark SqliteTransaction::append_audit(const auth::AuditRecord& record)
{
    constexpr std::string_view doing = "writing an audit record to";
    const auto [key, last] = audit_end();
    const auto mark = attempt(doing, [&] { return key->chain.mark(last.mac, last.id + 1, record); });
    const auto head = attempt(doing, [&] { return key->chain.head(mark); });
    change(doing, statements_.append_audit, mark.id, record.at, record.event, record.outcome,
           unless_empty(record.reason), record.user, record.name, unless_empty(record.source),
           unless_empty(record.device), mark.mac);
    change(doing, statements_.move_audit_head, mark.id, mark.mac, head.mac);
    ++audit_records_;
    return mark;
}

SqliteTransaction::AuditEnd SqliteTransaction::audit_end()
{
    constexpr std::string_view doing = "writing an audit record to";
    const auto head = attempt(doing, [&] {
        Execution found(statements_.find_audit_head);
        return found.next() ? audit_head_in(statements_.find_audit_head) : std::nullopt;
    });
    auto key = key_in_use();
    // To go on from an end that somebody else has set would make theirs ours.
    if (head && key->chain.is_genuine(*head)) return {.key = std::move(key), .last = head->last};
    failed_ = true;
    throw store_error(doing, connection_.file(), "the end of the audit has been tampered with",
                      "see `securelogin-admin audit verify`, and restore the database from a backup");
}

/// Asked, not remembered: once the database says another key, nothing more is sealed or recorded under the
/// old one, whoever it is that writes.
std::shared_ptr<const Keys::Key> SqliteTransaction::key_in_use()
{
    constexpr std::string_view doing = "finding the master key of";
    return attempt(doing, [&] {
        Execution found(statements_.find_key);
        if (found.next()) {
            if (auto key = keys_.use(key_id_in(statements_.find_key.getColumn(0)))) return key;
        }
        throw store_error(doing, connection_.file(), "it has been rotated, and the new one is not at hand",
                          "restart this program where it gets its master key from systemd; else restore "
                          "master.key from the backup");
    });
}

SealedValue SqliteTransaction::seal(const Secret& value, const SealedPlace& place)
{
    return key_in_use()->sealer.seal(value, place);
}

}  // namespace securelogin::store
