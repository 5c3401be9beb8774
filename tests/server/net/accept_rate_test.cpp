#include "server/net/accept_rate.hpp"

#include <gtest/gtest.h>

#include <string>

namespace securelogin::net {
namespace {

using namespace std::chrono_literals;
using Time = AcceptRate::Clock::time_point;

constexpr AcceptRate::Key kKey{1, 2, 3};
constexpr Time kStart = Time(1000h);

auth::Source from(const std::string& address) { return auth::Source::from_address(address); }
auth::Source numbered(int number)
{
    return from("198.18." + std::to_string(number / 256) + "." + std::to_string(number % 256));
}

/// How many of `tries` connections at one moment are let in.
int let_in(AcceptRate& rate, const auth::Source& source, Time now, int tries = 1000)
{
    int count = 0;
    for (int i = 0; i < tries; ++i) count += rate.take(source, now) ? 1 : 0;
    return count;
}

struct RateCase {
    std::string name;
    AcceptRate::Limits limits;
    AcceptRate::Clock::duration later;  // after a burst that took all
    int more;                           // are let in then
};

class AcceptRateRefills : public testing::TestWithParam<RateCase> {};

TEST_P(AcceptRateRefills, EvenlyAfterABurst)
{
    const auto& row = GetParam();
    AcceptRate rate(row.limits, kKey);
    const auto source = from("192.0.2.1");
    EXPECT_EQ(let_in(rate, source, kStart), static_cast<int>(row.limits.burst));
    EXPECT_EQ(let_in(rate, source, kStart + row.later), row.more);
}

INSTANTIATE_TEST_SUITE_P(AcceptRate, AcceptRateRefills,
                         testing::Values(RateCase{"NotAtOnce", {10, 5}, 0ms, 0},
                                         RateCase{"NotBeforeItsTime", {10, 5}, 99ms, 0},
                                         RateCase{"OneInItsTime", {10, 5}, 100ms, 1},
                                         RateCase{"TwoInTwice", {10, 5}, 299ms, 2},
                                         RateCase{"NoMoreThanTheBurst", {10, 5}, 1h, 5},
                                         RateCase{"SmallestBurst", {1, 1}, 999ms, 0},
                                         RateCase{"SmallestBurstAgain", {1, 1}, 1s, 1}),
                         [](const auto& row) { return row.param.name; });

TEST(AcceptRate, WhoComesTooFastIsServedAtTheRate)
{
    AcceptRate rate({.per_second = 10, .burst = 1}, kKey);
    const auto source = from("192.0.2.1");
    int count = 0;
    for (auto now = kStart; now < kStart + 10s; now += 1ms) count += rate.take(source, now) ? 1 : 0;
    EXPECT_EQ(count, 100) << "what was refused must not be charged";
    EXPECT_EQ(rate.refused(), 9900U);
}

TEST(AcceptRate, SourcesHaveEachTheirOwn)
{
    AcceptRate rate({.per_second = 1, .burst = 3}, kKey);
    EXPECT_EQ(let_in(rate, from("192.0.2.1"), kStart), 3);
    EXPECT_EQ(let_in(rate, from("192.0.2.2"), kStart), 3);
    EXPECT_EQ(let_in(rate, from("2001:db8::1"), kStart), 3);
    EXPECT_EQ(let_in(rate, from("2001:db8::2"), kStart), 0) << "the same /64";
    EXPECT_EQ(let_in(rate, from("local"), kStart), 3);
}

TEST(AcceptRate, ANetworkHasWhatSomeSourcesHave)
{
    AcceptRate rate({.per_second = 1, .burst = 3}, kKey);
    int count = 0;
    for (int network = 0; network < 100; ++network) {
        count += let_in(rate, from("2001:db8:7:" + std::to_string(network) + "::1"), kStart, 3);
    }
    EXPECT_EQ(count, 3 * static_cast<int>(kNetworkShare));
    EXPECT_EQ(let_in(rate, from("2001:db8:8::1"), kStart), 3) << "another /48";
}

TEST(AcceptRate, AReloadKeepsDebts)
{
    AcceptRate rate({.per_second = 10, .burst = 5}, kKey);
    const auto source = from("192.0.2.1");
    EXPECT_EQ(let_in(rate, source, kStart), 5);
    rate.set_limits({.per_second = 10, .burst = 7});
    EXPECT_EQ(let_in(rate, source, kStart), 2);
}

/// An attacker who sends others to have itself forgotten.
TEST(AcceptRate, WhoIsPushedOutOfAFullTableComesBackOwingNoLess)
{
    AcceptRate rate({.per_second = 1, .burst = 10}, kKey, AcceptRate::kWays);  // one set
    const auto attacker = from("192.0.2.1");
    EXPECT_EQ(let_in(rate, attacker, kStart, 5), 5);
    int others = 0;
    for (int number = 0; number < 5000; ++number) others += let_in(rate, numbered(number), kStart, 10);
    EXPECT_EQ(others, 7 * 10 + 5) << "seven entries that were free, and what was left of the attacker's";
    EXPECT_EQ(let_in(rate, attacker, kStart), 0);
    EXPECT_EQ(let_in(rate, attacker, kStart + 1s), 1);
}

TEST(AcceptRate, AFullTableOfPaidDebtsHoldsNobodyUp)
{
    AcceptRate rate({.per_second = 100, .burst = 10}, kKey, AcceptRate::kWays);
    for (int number = 0; number < 1000; ++number) {
        const auto now = kStart + number * 100ms;
        EXPECT_EQ(let_in(rate, numbered(number), now), 10);
    }
}

/// A flood from everywhere, a connection each: what newcomers owe for others must stay far below a burst.
TEST(AcceptRate, AFloodOfSourcesLeavesRoomForTheNext)
{
    AcceptRate rate({.per_second = 250, .burst = 500}, kKey);
    auto now = kStart;
    for (int number = 0; number < 60000; ++number, now += 20us) {  // 50,000 a second
        ASSERT_TRUE(rate.take(numbered(number), now)) << number;
    }
    EXPECT_GE(let_in(rate, from("192.0.2.1"), now), 490);
}

TEST(AcceptRate, TheTableIsAsLargeAsItSays) { EXPECT_EQ(AcceptRate::kBytes, 1U << 20U); }

}  // namespace
}  // namespace securelogin::net
