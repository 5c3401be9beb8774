// session.hpp: a login that has happened and has not ended.  Values and one pure rule.
#pragma once

#include <chrono>
#include <string>

#include "server/auth/account.hpp"
#include "server/auth/clock.hpp"

namespace securelogin::auth {

struct SessionPolicy {
    std::chrono::seconds idle{std::chrono::minutes(30)};
    std::chrono::seconds absolute{std::chrono::hours(12)};
};

struct Session {
    UserId user;
    std::string id;  // 8 hexadecimal digits, unique for the user; no secret
    Time opened_at;
    Time expires_at;  // the absolute limit; open end
    Time last_used_at;
    std::string source;  // Source::address()
};

/// Whether the session still is one at `now`, by both limits.
[[nodiscard]] bool is_live(const Session& session, const SessionPolicy& policy, Time now) noexcept;

}  // namespace securelogin::auth
