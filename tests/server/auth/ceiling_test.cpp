#include "server/auth/ceiling.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::kNoon;

constexpr CeilingPolicy kPolicy{.failures = 4, .per = 400s};  // one each 100 s

TEST(Ceiling, LetsSoManyThroughAtOnceAndThenOneEachInterval)
{
    WholeAgain state;
    for (int failure = 0; failure < 4; ++failure) {
        EXPECT_FALSE(time_to_refill(state, kPolicy, kNoon)) << failure;
        state = with_charge(state, kPolicy, kNoon);
    }
    EXPECT_EQ(time_to_refill(state, kPolicy, kNoon), 100s);
    EXPECT_EQ(time_to_refill(state, kPolicy, kNoon + 99s), 1s);
    EXPECT_FALSE(time_to_refill(state, kPolicy, kNoon + 100s));
    state = with_charge(state, kPolicy, kNoon + 100s);
    EXPECT_EQ(time_to_refill(state, kPolicy, kNoon + 100s), 100s);
}

/// However the tries are spread, no window of `per` sees more than twice the budget, and no long time more
/// than the rate: what `policy explain` reckons with.
TEST(Ceiling, HoldsItsRate)
{
    WholeAgain state;
    int let_through = 0;
    for (auto now = kNoon; now < kNoon + 4000s; now += 7s) {
        if (time_to_refill(state, kPolicy, now)) continue;
        state = with_charge(state, kPolicy, now);
        ++let_through;
    }
    EXPECT_LE(let_through, 4 + 40);
    EXPECT_GE(let_through, 4 + 36);
}

struct RefundCase {
    const char* name;
    WholeAgain before;
    WholeAgain after;
};
class Refund : public testing::TestWithParam<RefundCase> {};

TEST_P(Refund, TakesOneChargeBack)
{
    EXPECT_EQ(without_charge(GetParam().before, kPolicy, kNoon), GetParam().after);
}

INSTANTIATE_TEST_SUITE_P(Ceiling, Refund,
                         testing::Values(RefundCase{"Whole", std::nullopt, std::nullopt},
                                         RefundCase{"One", kNoon + 100s, std::nullopt},
                                         RefundCase{"Two", kNoon + 200s, kNoon + 100s},
                                         RefundCase{"WholeAgainMeanwhile", kNoon - 5s, std::nullopt},
                                         RefundCase{"LessThanOneLeft", kNoon + 30s, std::nullopt},
                                         RefundCase{"ClockSetBack", kNoon + 24h, kNoon + 300s}),
                         [](const auto& row) { return row.param.name; });

TEST(Ceiling, AMomentThatCannotBeIsCut)
{
    EXPECT_EQ(with_possible_moment(kNoon + 24h, kPolicy, kNoon), kNoon + 400s);
    for (const WholeAgain good : {WholeAgain{}, WholeAgain{kNoon - 1s}, WholeAgain{kNoon + 400s}}) {
        EXPECT_EQ(with_possible_moment(good, kPolicy, kNoon), good);
    }
}

TEST(Ceiling, AClockThatWasSetBackKeepsNobodyOutForLongerThanAnInterval)
{
    EXPECT_EQ(time_to_refill(kNoon + 24h, kPolicy, kNoon), 100s);
    EXPECT_EQ(with_charge(kNoon + 24h, kPolicy, kNoon), kNoon + 500s);
}

TEST(Ceiling, ReachedIsWhereThereIsSomethingToWaitFor)
{
    for (auto whole_at = kNoon; whole_at <= kNoon + 400s; whole_at += 1s) {
        EXPECT_EQ(whole_at > reached_after(kPolicy, kNoon),
                  time_to_refill(whole_at, kPolicy, kNoon).has_value());
    }
}

}  // namespace
}  // namespace securelogin::auth
