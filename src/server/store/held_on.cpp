#include "server/store/held_on.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

namespace securelogin::store {
namespace {

constexpr const char* kHoldSteps =
    "UPDATE main.totp SET last_step = (SELECT r.last_step FROM replaced.totp r WHERE r.user_id = "
    "totp.user_id)"
    " WHERE last_step < (SELECT r.last_step FROM replaced.totp r WHERE r.user_id = totp.user_id)";
constexpr const char* kHoldCodeFailures =
    "UPDATE main.totp SET failures = (SELECT r.failures FROM replaced.totp r WHERE r.user_id = totp.user_id)"
    " WHERE failures < (SELECT r.failures FROM replaced.totp r WHERE r.user_id = totp.user_id)";
constexpr const char* kHoldDisabled =
    "UPDATE main.users SET state = 'disabled' WHERE state <> 'disabled' AND"
    " (id IN (SELECT id FROM replaced.users WHERE state = 'disabled')"
    " OR id IN (SELECT user_id FROM replaced.audit WHERE event = 'user.remove')"
    " OR (EXISTS (SELECT 1 FROM replaced.audit WHERE event = 'restored')"
    " AND id NOT IN (SELECT id FROM replaced.users))) RETURNING name";
constexpr const char* kHoldUnenrolled =
    "DELETE FROM main.totp WHERE user_id IN (SELECT id FROM replaced.users)"
    " AND user_id NOT IN (SELECT user_id FROM replaced.totp)"
    " RETURNING (SELECT u.name FROM main.users u WHERE u.id = user_id)";
constexpr const char* kFindStale =
    "SELECT u.name FROM main.users u JOIN replaced.users r ON r.id = u.id"
    " LEFT JOIN main.totp t ON t.user_id = u.id LEFT JOIN replaced.totp q ON q.user_id = u.id"
    " WHERE r.password_epoch > u.password_epoch OR q.enrolled_at > COALESCE(t.enrolled_at, -1)"
    " ORDER BY u.name";

/// Of the first column's names.
HeldAccounts accounts_of(SQLite::Database& database, const char* statement)
{
    HeldAccounts accounts;
    SQLite::Statement row(database, statement);
    while (row.executeStep()) {
        if (++accounts.count <= HeldAccounts::kMostNamed)
            accounts.names.push_back(row.getColumn(0).getString());
    }
    return accounts;
}

}  // namespace

HeldOn hold_on(SQLite::Database& database)
{
    HeldOn held;
    database.exec(kHoldSteps);
    database.exec(kHoldCodeFailures);
    held.disabled = accounts_of(database, kHoldDisabled);
    held.unenrolled = accounts_of(database, kHoldUnenrolled);
    held.stale = accounts_of(database, kFindStale);
    return held;
}

}  // namespace securelogin::store
