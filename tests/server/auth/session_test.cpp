#include "server/auth/session.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_clock.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::kNoon;

constexpr SessionPolicy kPolicy{.idle = 30min, .absolute = 12h};

struct LiveCase {
    std::string name;
    Time last_used_at;
    Time now;
    bool live;
};

class IsLive : public testing::TestWithParam<LiveCase> {};

TEST_P(IsLive, ByBothLimits)
{
    const auto& row = GetParam();
    const Session session{.user = UserId{1},
                          .id = "6f1c0a52",
                          .opened_at = kNoon,
                          .expires_at = kNoon + kPolicy.absolute,
                          .last_used_at = row.last_used_at,
                          .source = "192.0.2.7"};
    EXPECT_EQ(is_live(session, kPolicy, row.now), row.live);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Session, IsLive,
    testing::Values(
        //       name                             last used            now                  live
        LiveCase{"WhenOpened",                    kNoon,               kNoon,               true},
        LiveCase{"JustBeforeIdle",                kNoon,               kNoon + 30min - 1s,  true},
        LiveCase{"NotWhenIdle",                   kNoon,               kNoon + 30min,       false},
        LiveCase{"UseKeepsIt",                    kNoon + 29min,       kNoon + 58min,       true},
        LiveCase{"UntilItsEnd",                   kNoon + 12h - 1s,    kNoon + 12h - 1s,    true},
        LiveCase{"ButNoUseKeepsItBeyond",         kNoon + 12h - 1s,    kNoon + 12h,         false},
        LiveCase{"NotLongAfterwards",             kNoon + 12h,         kNoon + 48h,         false},
        LiveCase{"ClockSetBackBySeconds",         kNoon + 1h,          kNoon + 1h - 5s,     true},
        LiveCase{"ClockSetBackBeforeItsOpening",  kNoon,               kNoon - 5s,          true},
        LiveCase{"NotWhenOpenedInTheFuture",      kNoon,               kNoon - 30min,       false},
        LiveCase{"NotYearsBeforeItsOpening",      kNoon,               kNoon - 24h * 365,   false}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(SessionId, IsEightDigitsAndTheWayBack)
{
    EXPECT_EQ(session_id(0x0badcafe), "0badcafe");
    EXPECT_EQ(session_id(0), "00000000");
    EXPECT_EQ(session_id(0xffffffff), "ffffffff");
    EXPECT_EQ(session_number("0badcafe"), 0x0badcafeU);
    EXPECT_EQ(session_number("ffffffff"), 0xffffffffU);
    for (const auto* const other :
         {"", "badcafe", "00badcafe", "0BADCAFE", "0badcafg", "-badcafe", "0x0badca", " badcafe"})
        EXPECT_EQ(session_number(other), std::nullopt) << other;
}

TEST(SessionOf, IsWhatActsForTheHolderOfAToken)
{
    const TokenHolder holder{.user = UserId{17},
                             .name = UserName::parse("alice").value(),
                             .session = "6f1c0a52",
                             .expires_at = kNoon + 12h,
                             .last_used_at = kNoon};
    const auto session = session_of(holder, Source::from_address("2001:db8::1"));
    EXPECT_EQ(session.user, UserId{17});
    EXPECT_EQ(session.id, "6f1c0a52");
    EXPECT_EQ(session.source, "2001:db8::1");
    EXPECT_TRUE(session.has_token);
    EXPECT_TRUE(is_live(session, kPolicy, kNoon + 29min));
    EXPECT_FALSE(is_live(session, kPolicy, kNoon + 30min));
}

}  // namespace
}  // namespace securelogin::auth
