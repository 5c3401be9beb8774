#include "server/login/attempt_log.hpp"

#include <string>

namespace securelogin::login {
namespace {

/// What stands at the end of an event, where there is anything to say.
struct Tail {
    std::string device;
    std::string_view door;
};

template <typename... Fields>
void write(EventLog& log, Level level, std::string_view event, const Tail& tail, const Fields&... fields)
{
    const Field device{"device", tail.device};
    const Field door{"door", std::string(tail.door)};
    if (tail.device.empty() && tail.door.empty()) return log.write(level, event, {fields...});
    if (tail.door.empty()) return log.write(level, event, {fields..., device});
    if (tail.device.empty()) return log.write(level, event, {fields..., door});
    log.write(level, event, {fields..., device, door});
}

}  // namespace

void log_attempt(EventLog& log, std::string_view event, const auth::Claim& claim, const Outcome& outcome,
                 std::uint64_t connection, std::string_view door)
{
    const auto& verdict = outcome.verdict;
    // What was typed for a name that is nobody's may be a password.
    const auto& user = verdict ? verdict->known_user : outcome.known_user;
    const Field who =
        user ? Field{"user", user->str()} : Field{"name", "#" + auth::short_form(claim.name_key)};
    const Field source{"source", claim.source.address()};
    const Field id{"connection", std::to_string(connection)};
    const Tail tail{.device = claim.device ? auth::short_form(*claim.device) : "", .door = door};
    if (verdict && verdict->granted) {
        const Field session{"session", verdict->granted->session.id};
        write(log, Level::info, event, tail, Field{"outcome", "granted"}, who, source, id, session);
    } else if (verdict) {
        const Field reason{"reason", std::string(to_string(*verdict->refusal))};
        write(log, Level::warning, event, tail, Field{"outcome", "refused"}, reason, who, source, id);
    } else {
        const Field reason{"reason", outcome.why_not_judged};
        write(log, Level::warning, event, tail, Field{"outcome", "not_judged"}, reason, who, source, id);
    }
    for (const auto& alarm : {outcome.alarm, verdict ? verdict->alarm : std::nullopt}) {
        const Tail of_alarm{.device = {}, .door = door};
        if (alarm) write(log, level_of(*alarm), to_string(*alarm), of_alarm, who, source, id);
    }
}

void log_step(EventLog& log, const EnrolmentUnderWay& enrolment, const EnrolmentStep& step,
              std::string_view done, std::uint64_t connection, std::string_view door)
{
    using StepResult = EnrolmentStep::Result;
    const Field source{"source", enrolment.guest().source.address()};
    const Field id{"connection", std::to_string(connection)};
    const bool is_done = step.result == StepResult::done;
    const auto level = is_done ? Level::info : Level::warning;
    const Field outcome{"outcome", std::string(step.result == StepResult::refused      ? "refused"
                                               : step.result == StepResult::not_judged ? "not_judged"
                                                                                       : done)};
    const Tail tail{.device = {}, .door = door};
    const auto event = enrolment.event();
    // A name in the log is one that an account or an invitation has; what was typed is never there.
    const auto& name = enrolment.known_name();
    const Field user{"user", name ? name->str() : ""};
    const Field reason{"reason", step.reason};
    if (is_done && !name) return write(log, level, event, tail, outcome, source, id);
    if (is_done) return write(log, level, event, tail, outcome, user, source, id);
    if (!name) return write(log, level, event, tail, outcome, reason, source, id);
    write(log, level, event, tail, outcome, reason, user, source, id);
}

void log_change(EventLog& log, const PasswordChange& change, const auth::UserName& user,
                const auth::Source& source, std::uint64_t connection, std::string_view door)
{
    const Tail tail{.device = {}, .door = door};
    const Field who{"user", user.str()};
    const Field from{"source", source.address()};
    const Field id{"connection", std::to_string(connection)};
    if (change.result == PasswordChange::Result::done) {
        write(log, Level::info, "password_changed", tail, who, from, id);
    } else if (change.result == PasswordChange::Result::try_later) {
        const auto level = change.reason == "overloaded" ? Level::warning : Level::error;
        write(log, level, "password_not_changed", tail, Field{"error", change.reason}, who, from, id);
    }
}

void log_recovery_codes(EventLog& log, const auth::UserName& user, const auth::Source& source,
                        std::uint64_t connection, std::string_view door)
{
    write(log, Level::info, "recovery_codes_replaced", Tail{.device = {}, .door = door},
          Field{"user", user.str()}, Field{"source", source.address()},
          Field{"connection", std::to_string(connection)});
}

void log_revoked(EventLog& log, std::size_t ended, const auth::UserName& user, const auth::Source& source,
                 std::uint64_t connection, std::string_view door)
{
    write(log, Level::info, "sessions_revoked", Tail{.device = {}, .door = door}, Field{"user", user.str()},
          Field{"sessions", std::to_string(ended)}, Field{"source", source.address()},
          Field{"connection", std::to_string(connection)});
}

}  // namespace securelogin::login
