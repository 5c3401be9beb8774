#include "server/alarm_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/server/alarms/script.hpp"
#include "tests/support/recorded_log.hpp"

namespace securelogin {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

/// Hands on to a log that outlives it.
class Borrowed final : public EventLog {
  public:
    explicit Borrowed(EventLog& log) : log_(log) {}
    void write(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept override
    {
        log_.write(level, event, fields);
    }

  private:
    EventLog& log_;
};

TEST(AlarmLog, HandsAlarmsToTheCommandAndEverythingToTheLog)
{
    const Script script(R"(cat >> "$1/seen")");
    support::RecordedLog recorded;
    {
        const auto log =
            with_alarms(std::make_unique<Borrowed>(recorded),
                        std::make_unique<AlarmRunner>(AlarmRunner::Options{.command = script.command()}));
        log->write(Level::info, "login", {{"outcome", "granted"}});
        log->write(Level::warning, "alarm.wrong-code", {{"user", "alice"}, {"source", "192.0.2.7"}});
        log->write(Level::info, "stopping", {});
    }
    EXPECT_THAT(recorded.lines(), ElementsAre("login outcome=granted",
                                              "alarm.wrong-code user=alice source=192.0.2.7", "stopping"));
    EXPECT_THAT(script.content("seen"),
                MatchesRegex(R"(\{"time":"[^"]*Z","level":"warning","event":"alarm.wrong-code",)"
                             "\"user\":\"alice\",\"source\":\"192.0.2.7\"\\}\n"));
}

TEST(AlarmLog, SaysWhichAlarmIsNotHandedOver)
{
    const Script script("exit 0");
    support::RecordedLog recorded;
    {
        const auto log =
            with_alarms(std::make_unique<Borrowed>(recorded),
                        std::make_unique<AlarmRunner>(AlarmRunner::Options{.command = script.command()}));
        log->write(Level::error, "alarm.code-locked", {{"user", std::string(5000, 'x')}});
    }
    ASSERT_EQ(recorded.lines().size(), 2U);
    EXPECT_EQ(recorded.lines()[1], "alarm_command_not_run alarm=alarm.code-locked");
}

TEST(AlarmLog, WithoutARunnerItIsTheLogItself)
{
    auto log = std::make_unique<support::RecordedLog>();
    const auto* const same = log.get();
    EXPECT_EQ(with_alarms(std::move(log), nullptr).get(), same);
}

}  // namespace
}  // namespace securelogin
