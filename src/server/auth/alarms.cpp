#include "server/auth/alarms.hpp"

#include <string>

namespace securelogin::auth {

std::string_view to_string(Alarm alarm) noexcept
{
    switch (alarm) {
        case Alarm::wrong_code:
            return "alarm.wrong-code";
        case Alarm::replayed_code:
            return "alarm.replayed-code";
        case Alarm::code_locked:
            return "alarm.code-locked";
        case Alarm::clock_stepped:
            return "alarm.clock-stepped";
        case Alarm::recovery_code:
            return "alarm.recovery-code";
        case Alarm::ceiling_reached:
            return "alarm.ceiling-reached";
    }
    return "alarm.unknown";
}

Level level_of(Alarm alarm) noexcept
{
    return alarm == Alarm::code_locked || alarm == Alarm::clock_stepped ? Level::error : Level::warning;
}

AuditRecord record_of(Alarm alarm, const AuditRecord& cause)
{
    auto record = cause;
    record.event = to_string(alarm);
    record.outcome = "raised";
    record.reason.clear();
    return record;
}

std::optional<std::chrono::seconds> ClockWatch::look(Time now, std::chrono::seconds steady) noexcept
{
    const auto offset = now.time_since_epoch() - steady;
    const auto by = offset - offset_;
    if (std::chrono::abs(by) < kStep) return std::nullopt;  // not forgotten: small steps add up
    offset_ = offset;
    return by;
}

AuditRecord record_of_clock_step(Time now, std::chrono::seconds by)
{
    return {.at = now,
            .event = std::string(to_string(Alarm::clock_stepped)),
            .outcome = "raised",
            .reason = (by.count() > 0 ? "+" : "") + std::to_string(by.count())};
}

}  // namespace securelogin::auth
