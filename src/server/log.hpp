// log.hpp: the event log on stderr, as text or as JSON lines.
//
//   text  2026-11-22T20:15:04.123Z info login outcome=granted user=alice source=192.0.2.7 connection=12
//   json  {"time":"2026-11-22T20:15:04.123Z","level":"info","event":"login","outcome":"granted",...}
//
// A value is shown with a backslash as \\ and every octet of what is not printable as \xHH, so that two
// values never look the same.  Text puts it in quotes where it is empty or holds a blank, a quote, an equals
// sign or a backslash.
//
// Written by a thread of its own through a bounded queue: when stderr is not read, the oldest lines go, never
// the server; `log_overrun lost=N` stands where they would have been.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "common/event_log.hpp"

namespace securelogin {

enum class LogFormat { text, json };

/// What is written before the log is destroyed is written out, unless nobody reads stderr for a second.
/// Events below `lowest` are dropped.  The log's thread takes no signals.  REQUIRES: no write() during
/// destruction. Throws when there is no memory or no thread to be had.
[[nodiscard]] std::unique_ptr<EventLog> open_stderr_log(LogFormat format, Level lowest);

/// One event as a line without its ending.  `time` is RFC 3339.  Pure.
/// REQUIRES: `event` and keys are lower-case words of the program's own, never of a peer's.
[[nodiscard]] std::string format_event(LogFormat format, std::string_view time, Level level,
                                       std::string_view event, std::initializer_list<Field> fields);

/// The same, of now.  Throws std::bad_alloc.
[[nodiscard]] std::string format_event_now(LogFormat format, Level level, std::string_view event,
                                           std::initializer_list<Field> fields);

/// For a process that has no log of its own: writes a line to stderr at once, and waits for its reader.
void write_event_to_stderr(LogFormat format, Level level, std::string_view event,
                           std::initializer_list<Field> fields) noexcept;

}  // namespace securelogin
