// alarms.hpp: what somebody ought to be woken for.
//
// An alarm is an audit record of its own, in the transaction of what raises it, with the outcome `raised`:
//   alarm.wrong-code     a right password with a wrong code: the password has leaked, or a key is out of step
//   alarm.replayed-code  a right password with a code that was used before: somebody has seen both
//   alarm.code-locked    the key has borne all the wrong codes that it bears: its holder is locked out
//   alarm.recovery-code  a recovery code was used: a phone is lost, or somebody has found the sheet
//   alarm.ceiling-reached  a name has taken all the wrong passwords that it takes from strangers: those wait
//   alarm.clock-stepped  the machine's clock was set: codes, waits and sessions go by it
// Once that is durable, whoever raised it writes a log event of the same name.
//
// Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "common/event_log.hpp"
#include "server/auth/audit.hpp"

namespace securelogin::auth {

enum class Alarm { wrong_code, replayed_code, code_locked, clock_stepped, recovery_code, ceiling_reached };

/// As audit and log name it: `alarm.wrong-code`.
[[nodiscard]] std::string_view to_string(Alarm alarm) noexcept;
/// In the log.
[[nodiscard]] Level level_of(Alarm alarm) noexcept;

/// The alarm about what `cause` records, of the same moment, account and source.
[[nodiscard]] AuditRecord record_of(Alarm alarm, const AuditRecord& cause);

/// Tells a clock that was set from one that runs, by one that nobody can set.
class ClockWatch {
  public:
    /// Both clocks are read to the second: what is less may be no step.
    static constexpr std::chrono::seconds kStep{3};

    /// `steady` goes on while the machine sleeps.
    ClockWatch(Time now, std::chrono::seconds steady) : offset_(now.time_since_epoch() - steady) {}

    /// By how much the clock was set, forwards or backwards, since the last look at which it was; nothing
    /// when it was not.
    [[nodiscard]] std::optional<std::chrono::seconds> look(Time now, std::chrono::seconds steady) noexcept;

  private:
    std::chrono::seconds offset_;  // how far the clock was ahead of the steady one
};

/// `by` as the reason shows it: `+3600`, `-5`; seconds.
[[nodiscard]] AuditRecord record_of_clock_step(Time now, std::chrono::seconds by);

}  // namespace securelogin::auth
