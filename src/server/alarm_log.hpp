// alarm_log.hpp: an event log that also has the operator's command run for alarms.
//
// Events whose name begins with `alarm.` (auth/alarms.hpp) go to the log and, whatever its lowest level, as
// one JSON line as the log writes them, to the command.
#pragma once

#include <memory>

#include "common/event_log.hpp"
#include "server/alarm_runner.hpp"

namespace securelogin {

/// `log` itself where there is no runner.
[[nodiscard]] std::unique_ptr<EventLog> with_alarms(std::unique_ptr<EventLog> log,
                                                    std::unique_ptr<AlarmRunner> runner);

}  // namespace securelogin
