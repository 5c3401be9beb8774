// alarm_runner.hpp: runs the operator's command for each alarm, in a process of its own.
//
// The process is forked at the start, before there are threads, secrets or confinement, and keeps none of the
// program's descriptors but stderr: the program later only writes to a pipe, and whoever breaks into it
// cannot choose what is run, only when.  In that process, one alarm after the other:
//   - the command is run as it is, without a shell, with the alarm as one line on its stdin, nothing on
//     stdout and stderr, no other descriptor, PATH and nothing else in its environment, signals as usual;
//   - what takes longer than the time limit is killed, with what it has started;
//   - what fails is told in one line of the log on stderr (`alarm_command_failed`), and changes nothing.
// What waits is bounded by the pipe: some 300 alarms.  When the program ends, by whatever death, what waits
// is still run, for kFarewell at most.
//
// System calls that the program itself needs for this once it runs: write(2), and at its end wait4(2).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "server/descriptor.hpp"
#include "server/log.hpp"

namespace securelogin {

/// Throws StartupError unless `command` can be run and nobody but root and us can write it: it is as good as
/// this program.
void require_runnable(const std::vector<std::string>& command);

class AlarmRunner {
  public:
    static constexpr std::chrono::seconds kFarewell{3};

    struct Options {
        std::vector<std::string> command;  // the program's absolute path, and its arguments
        LogFormat log_format = LogFormat::text;
        std::chrono::milliseconds time_limit{std::chrono::seconds(10)};
    };

    /// REQUIRES: this process has no other threads, and command is not empty.  Throws std::system_error.
    explicit AlarmRunner(const Options& options);
    /// Waits until what was posted has been run, for kFarewell at most.
    ~AlarmRunner();
    AlarmRunner(const AlarmRunner&) = delete;
    AlarmRunner& operator=(const AlarmRunner&) = delete;

    /// False when it will not be run: too many are waiting, the line is too long (4,095 octets), or the
    /// process is gone.  `line` has no line's end in it.  Never blocks; any thread.  REQUIRES: SIGPIPE is
    /// ignored.
    [[nodiscard]] bool post(std::string_view line) noexcept;

  private:
    Descriptor queue_;  // the pipe's end to write to
    pid_t process_ = -1;
};

}  // namespace securelogin
