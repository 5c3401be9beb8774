#include "server/store/held_on.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>

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
    " OR id IN (SELECT user_id FROM replaced.audit WHERE event = 'user.remove'))";
constexpr const char* kCountStale =
    "SELECT COUNT(*) FROM main.users u JOIN replaced.users r ON r.id = u.id"
    " LEFT JOIN main.totp t ON t.user_id = u.id LEFT JOIN replaced.totp q ON q.user_id = u.id"
    " WHERE r.password_epoch > u.password_epoch OR q.enrolled_at > t.enrolled_at";

}  // namespace

HeldOn hold_on(SQLite::Database& database)
{
    HeldOn held;
    database.exec(kHoldSteps);
    database.exec(kHoldCodeFailures);
    held.disabled = database.exec(kHoldDisabled);
    held.stale = database.execAndGet(kCountStale).getInt64();
    return held;
}

}  // namespace securelogin::store
