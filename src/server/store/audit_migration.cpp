#include "server/store/audit_migration.hpp"

#include <SQLiteCpp/Statement.h>

#include <string>

#include "server/auth/audit_verifier.hpp"
#include "server/auth/clock.hpp"
#include "server/store/execution.hpp"
#include "server/store/rows.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {
namespace {

constexpr const char* kOldAudit =
    "SELECT id, at, event, outcome, reason, user_id, name_key, source, NULL, zeroblob(32) FROM audit_1 ORDER "
    "BY id";

}  // namespace

void insert_audit_record(SQLite::Statement& append_audit, const auth::AuditMark& mark,
                         const auth::AuditRecord& record)
{
    Execution(append_audit, mark.id, record.at, record.event, record.outcome, unless_empty(record.reason),
              record.user, record.name, unless_empty(record.source), unless_empty(record.device), mark.mac)
        .run();
}

void make_audit_head(Connection& connection, const auth::AuditHead& head)
{
    SQLite::Statement make_head(connection.database(), sql::kMakeAuditHead);
    Execution(make_head, head.last.id, head.last.mac, head.mac).run();
}

void chain_old_audit(Connection& connection, const auth::AuditChain& chain)
{
    auth::AuditMark last;
    std::int64_t records = 0;
    {
        SQLite::Statement old_audit(connection.database(), kOldAudit);
        SQLite::Statement append_audit(connection.database(), sql::kAppendAudit);
        while (old_audit.executeStep()) {
            const auto entry = audit_entry_in(old_audit);
            last = chain.mark(last.mac, entry.mark.id, entry.record);
            insert_audit_record(append_audit, last, entry.record);
            ++records;
        }
        const auth::AuditRecord begins{.at = auth::SystemClock().now(),
                                       .event = std::string(auth::kChainBegins),
                                       .outcome = "done",
                                       .reason = std::to_string(records)};
        last = chain.mark(last.mac, last.id + 1, begins);
        insert_audit_record(append_audit, last, begins);
    }
    make_audit_head(connection, chain.head(last));
    connection.database().exec("DROP TABLE audit_1");
}

}  // namespace securelogin::store
