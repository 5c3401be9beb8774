#include "server/auth/alarms.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_clock.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::kNoon;

struct Look {
    std::string name;
    std::chrono::seconds clock;   // how far it went since the start
    std::chrono::seconds steady;  // how far the steady one did
    std::optional<std::chrono::seconds> step;
};

class ClockWatches : public testing::TestWithParam<Look> {};

TEST_P(ClockWatches, TellASetClockFromARunningOne)
{
    ClockWatch watch(kNoon, 1000s);
    EXPECT_EQ(watch.look(kNoon + GetParam().clock, 1000s + GetParam().steady), GetParam().step);
}

INSTANTIATE_TEST_SUITE_P(Clocks, ClockWatches,
                         testing::Values(Look{"Together", 60s, 60s, {}},
                                         Look{"AsleepTogether", 86400s, 86400s, {}},
                                         Look{"RoundedUp", 62s, 60s, {}}, Look{"RoundedDown", 58s, 60s, {}},
                                         Look{"Forwards", 63s, 60s, 3s}, Look{"Backwards", 57s, 60s, -3s},
                                         Look{"StoodStill", 0s, 60s, -60s},
                                         Look{"AYearForwards", 31536000s, 0s, 31536000s},
                                         Look{"AYearBackwards", -31536000s, 10s, -31536010s}),
                         [](const auto& row) { return row.param.name; });

TEST(ClockWatch, AStepIsToldOnce)
{
    ClockWatch watch(kNoon, 0s);
    EXPECT_EQ(watch.look(kNoon + 3600s, 0s), 3600s);
    EXPECT_EQ(watch.look(kNoon + 3610s, 10s), std::nullopt);
    EXPECT_EQ(watch.look(kNoon + 20s, 20s), -3600s);
}

TEST(ClockWatch, SmallStepsAddUp)
{
    ClockWatch watch(kNoon, 0s);
    EXPECT_EQ(watch.look(kNoon + 12s, 10s), std::nullopt);
    EXPECT_EQ(watch.look(kNoon + 24s, 20s), 4s);
}

TEST(ClockWatch, TheRecordSaysByHowMuchAndWhichWay)
{
    EXPECT_EQ(record_of_clock_step(kNoon, 5s).reason, "+5");
    EXPECT_EQ(record_of_clock_step(kNoon, -5s).reason, "-5");
    EXPECT_EQ(record_of_clock_step(kNoon, -5s).event, "alarm.clock-stepped");
    EXPECT_EQ(record_of_clock_step(kNoon, -5s).outcome, "raised");
}

TEST(Alarm, ItsRecordIsAboutTheSameAsItsCause)
{
    const AuditRecord cause{.at = kNoon,
                            .event = "login",
                            .outcome = "refused",
                            .reason = "wrong_code",
                            .user = UserId{17},
                            .source = "192.0.2.7"};
    const auto record = record_of(Alarm::wrong_code, cause);
    EXPECT_EQ(record.at, kNoon);
    EXPECT_EQ(record.event, "alarm.wrong-code");
    EXPECT_EQ(record.outcome, "raised");
    EXPECT_EQ(record.reason, "");
    EXPECT_EQ(record.user, UserId{17});
    EXPECT_EQ(record.source, "192.0.2.7");
}

}  // namespace
}  // namespace securelogin::auth
