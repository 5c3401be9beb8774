#include "server/alarm_log.hpp"

#include <string>
#include <utility>

#include "server/log.hpp"

namespace securelogin {
namespace {

class AlarmLog final : public EventLog {
  public:
    AlarmLog(std::unique_ptr<EventLog> log, std::unique_ptr<AlarmRunner> runner)
        : log_(std::move(log)), runner_(std::move(runner))
    {
    }

    void write(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept override
    {
        log_->write(level, event, fields);
        if (event.starts_with("alarm.")) hand_over(level, event, fields);
    }

  private:
    void hand_over(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept
    {
        try {
            if (runner_->post(format_event_now(LogFormat::json, level, event, fields))) return;
            log_->write(Level::error, "alarm_command_not_run", {{"alarm", std::string(event)}});
        } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory; the log has the alarm
        }
    }

    const std::unique_ptr<EventLog> log_;
    const std::unique_ptr<AlarmRunner> runner_;  // ends first: it waits for the command
};

}  // namespace

std::unique_ptr<EventLog> with_alarms(std::unique_ptr<EventLog> log, std::unique_ptr<AlarmRunner> runner)
{
    if (!runner) return log;
    return std::make_unique<AlarmLog>(std::move(log), std::move(runner));
}

}  // namespace securelogin
