// session.hpp: a login that has happened and has not ended.  Values and pure rules.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/auth/account.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/source.hpp"

namespace securelogin::auth {

/// A session's id as people see it: 8 hexadecimal digits, in lower case.
[[nodiscard]] std::string session_id(std::uint32_t number);
/// What session_id() made; nothing when it is none of its.
[[nodiscard]] std::optional<std::uint32_t> session_number(std::string_view id) noexcept;

struct SessionPolicy {
    std::chrono::seconds idle{std::chrono::minutes(30)};
    std::chrono::seconds absolute{std::chrono::hours(12)};
};

/// What acts for the holder of a session (Sessions, Devices, Authenticator) needs `user`, `id` and `source`
/// only, which is where the request comes from; the rest it looks up.
struct Session {
    UserId user;
    std::string id;  // session_id() of a number that is unique for the user; no secret
    Time opened_at;
    Time expires_at;  // the absolute limit; open end
    Time last_used_at;
    std::string source;  // Source::address()
    bool has_token = false;
};

/// Whose token it is.
struct TokenHolder {
    UserId user;
    UserName name;
    std::string session;  // its id
    Time expires_at;
    Time last_used_at;
    bool must_change = false;  // the password: until then the session is good for that only
};

/// The session of whoever has shown a token, coming from `source`.  `opened_at` is not known, and the epoch.
[[nodiscard]] Session session_of(const TokenHolder& holder, const Source& source);

/// Whether the session still is one at `now`, by both limits.
[[nodiscard]] bool is_live(const Session& session, const SessionPolicy& policy, Time now) noexcept;
[[nodiscard]] bool is_live(const TokenHolder& holder, const SessionPolicy& policy, Time now) noexcept;

/// How stale last_used_at may be before a use is written down: a command a second, or a token that is looked
/// at a thousand times a second, is not a commit each.  A minute, or a quarter of the idle limit where that
/// is less: a session in use never ends for want of use.
[[nodiscard]] std::chrono::seconds touch_interval(const SessionPolicy& policy) noexcept;

}  // namespace securelogin::auth
