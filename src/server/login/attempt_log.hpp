// attempt_log.hpp: attempts, enrolments and what holders change as the log has them, whatever the door.
//
// fail2ban reads these lines (packaging/fail2ban/): nothing that a peer has typed stands in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/event_log.hpp"
#include "server/auth/authenticator.hpp"
#include "server/login/async_authenticator.hpp"
#include "server/login/async_enrolment.hpp"
#include "server/login/attempt.hpp"

namespace securelogin::login {

/// The line protocol's events say nothing of the door; another's end with `door=` and its name.
inline constexpr std::string_view kLineProtocol = {};

/// The event of one attempt, and of the alarms that it has raised.
void log_attempt(EventLog& log, std::string_view event, const auth::Claim& claim, const Outcome& outcome,
                 std::uint64_t connection, std::string_view door = kLineProtocol);

/// The event of a step of an enrolment; `done` is its outcome where it was done: `begun`, `granted`.
void log_step(EventLog& log, const EnrolmentUnderWay& enrolment, const EnrolmentStep& step,
              std::string_view done, std::uint64_t connection, std::string_view door = kLineProtocol);

/// The event of a new password that has been set, or could not be; a refused one has none.
void log_change(EventLog& log, const PasswordChange& change, const auth::UserName& user,
                const auth::Source& source, std::uint64_t connection, std::string_view door = kLineProtocol);

/// The event of recovery codes that their holder has made.
void log_recovery_codes(EventLog& log, const auth::UserName& user, const auth::Source& source,
                        std::uint64_t connection, std::string_view door = kLineProtocol);

/// The event of sessions that their holder has ended.
void log_revoked(EventLog& log, std::size_t ended, const auth::UserName& user, const auth::Source& source,
                 std::uint64_t connection, std::string_view door = kLineProtocol);

}  // namespace securelogin::login
