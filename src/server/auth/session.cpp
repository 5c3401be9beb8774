#include "server/auth/session.hpp"

namespace securelogin::auth {

bool is_live(const Session& session, const SessionPolicy& policy, Time now) noexcept
{
    const auto unused = now - session.last_used_at;
    // A clock that was set back makes it negative.  By seconds, that is every day's time service; by more
    // than the idle limit, the session was opened under a clock that was wrong, and its end may lie years
    // ahead.
    return now < session.expires_at && unused < policy.idle && unused > -policy.idle;
}

}  // namespace securelogin::auth
