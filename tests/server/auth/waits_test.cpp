#include "server/auth/waits.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>

#include "tests/support/fake_clock.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;
using support::kNoon;

constexpr int kMost = std::numeric_limits<int>::max();
const WaitPolicy kPolicy{.free = 4, .first_wait = 1s, .longest_wait = 900s};

std::string name_of(const auto& row) { return row.param.name; }

struct FailureCase {
    std::string name;
    Failures before;
    Factor factor;
    Failures after;
    Time now = kNoon;
    WaitPolicy policy = kPolicy;
};

class AfterFailure : public testing::TestWithParam<FailureCase> {};

TEST_P(AfterFailure, CountsAndWaits)
{
    const auto& row = GetParam();
    EXPECT_EQ(after_failure(row.before, row.factor, row.policy, row.now), row.after);
}

constexpr auto password = Factor::password;
constexpr auto code = Factor::code;

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Waits, AfterFailure,
    testing::Values(
        //          name                       before                   factor    after
        FailureCase{"FirstCostsNothing",       {},                      password, {1, 0}},
        FailureCase{"FreeOnesCostNothing",     {3, 0},                  password, {4, 0}},
        FailureCase{"FifthBringsTheFirst",     {4, 0},                  password, {5, 0, kNoon + 1s}},
        FailureCase{"WaitsDouble",             {5, 0, kNoon},           password, {6, 0, kNoon + 2s}},
        FailureCase{"AndDoubleAgain",          {6, 0, kNoon},           password, {7, 0, kNoon + 4s}},
        FailureCase{"AWaitCountsFromNow",      {5, 0, kNoon - 5s},      password, {6, 0, kNoon + 2s}},
        FailureCase{"CodesCountAlone",         {0, 4},                  code,     {0, 5, kNoon + 1s}},
        FailureCase{"FactorsAddUp",            {2, 2},                  code,     {2, 3, kNoon + 1s}},
        FailureCase{"WhicheverFailedLast",     {2, 2},                  password, {3, 2, kNoon + 1s}},
        FailureCase{"LastBelowTheLongest",     {13, 0},                 password, {14, 0, kNoon + 512s}},
        FailureCase{"NeverBeyondTheLongest",   {14, 0},                 password, {15, 0, kNoon + 900s}},
        FailureCase{"ManyAreTheLongest",       {500, 500},              code,     {500, 501, kNoon + 900s}},
        FailureCase{"CountsDoNotOverflow",     {kMost, 0},              password, {kMost, 0, kNoon + 900s}},
        FailureCase{"NorDoesTheirSum",         {kMost, kMost},          code,     {kMost, kMost, kNoon + 900s}},
        FailureCase{"LongestMayBeThePower",    {6, 0},  password, {7, 0, kNoon + 4s}, kNoon, {4, 1s, 4s}},
        FailureCase{"LongestMayBeTheFirst",    {9, 0},  password, {10, 0, kNoon + 1s}, kNoon, {4, 1s, 1s}},
        FailureCase{"FirstIsCappedToo",        {4, 0},  password, {5, 0, kNoon + 3s}, kNoon, {4, 60s, 3s}},
        FailureCase{"NoneNeedBeFree",          {0, 0},  password, {1, 0, kNoon + 7s}, kNoon, {0, 7s, 900s}},
        FailureCase{"NoughtDoublesToNought",   {kMost, 0}, password, {kMost, 0, kNoon}, kNoon, {4, 0s, 900s}}),
    [](const auto& row) { return name_of(row); });
// clang-format on

struct ChargeCase {
    std::string name;
    Failures before;
};

class WithoutCharge : public testing::TestWithParam<ChargeCase> {};

TEST_P(WithoutCharge, IsAsThoughNeverCharged)
{
    const auto& before = GetParam().before;
    const auto charged = after_failure(before, Factor::password, kPolicy, kNoon);
    const auto refunded = without_charge(charged);
    EXPECT_EQ(refunded.password, before.password);
    EXPECT_EQ(refunded.code, before.code);
    EXPECT_EQ(remaining_wait(refunded, kPolicy, kNoon), std::nullopt);
    EXPECT_EQ(remaining_wait(refunded, kPolicy, kNoon + 3s), std::nullopt);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Waits, WithoutCharge,
                         testing::Values(ChargeCase{"OfTheFirst", {}},                    //
                                         ChargeCase{"OfAFreeOne", {3, 0}},                //
                                         ChargeCase{"OfOneThatBroughtAWait", {4, 0}},     //
                                         ChargeCase{"AfterAWaitThatIsOver", {9, 2, kNoon}},  //
                                         ChargeCase{"OfManyCodes", {0, 40, kNoon - 1s}}),
                         [](const auto& row) { return name_of(row); });

// Were they not equal, the wait would tell which factor was wrong.
TEST(WaitAfterRefusal, IsTheSameWhicheverFactorFailed)
{
    for (int earlier = 0; earlier < 20; ++earlier) {
        const auto charged = after_failure({.password = earlier}, Factor::password, kPolicy, kNoon);
        const auto wrong_password = wait_from(charged, kPolicy, kNoon + 8s);
        const auto wrong_code =
            after_failure(without_charge(charged), Factor::code, kPolicy, kNoon + 8s);
        EXPECT_EQ(wrong_password.wait_until, wrong_code.wait_until) << earlier;
    }
}

TEST(WaitFrom, CountsTheSameFailuresFromNow)
{
    const Failures failures{.password = 6, .code = 0, .wait_until = kNoon + 2s};
    EXPECT_EQ(wait_from(failures, kPolicy, kNoon + 60s), (Failures{6, 0, kNoon + 62s}));
}

TEST(WaitFrom, BringsNoneForTheFreeOnes)
{
    EXPECT_EQ(wait_from({3, 1, kNoon + 9s}, kPolicy, kNoon), (Failures{3, 1}));
}

struct RemainingCase {
    std::string name;
    Failures failures;
    Time now;
    std::optional<seconds> remaining;
};

class RemainingWait : public testing::TestWithParam<RemainingCase> {};

TEST_P(RemainingWait, IsTold)
{
    const auto& row = GetParam();
    EXPECT_EQ(remaining_wait(row.failures, kPolicy, row.now), row.remaining);
}

INSTANTIATE_TEST_SUITE_P(
    Waits, RemainingWait,
    testing::Values(
        //            name                     failures               now                 remaining
        RemainingCase{"NoneWithoutFailures",   {},                    kNoon,              std::nullopt},
        RemainingCase{"NoneWithoutAWait",      {4, 0},                kNoon,              std::nullopt},
        RemainingCase{"AllOfIt",               {7, 0, kNoon + 4s},    kNoon,              4s},
        RemainingCase{"TheRestOfIt",           {7, 0, kNoon + 4s},    kNoon + 3s,         1s},
        RemainingCase{"OverAtItsEnd",          {7, 0, kNoon + 4s},    kNoon + 4s,         std::nullopt},
        RemainingCase{"OverAfterwards",        {7, 0, kNoon + 4s},    kNoon + 1h,         std::nullopt},
        RemainingCase{"ClockSetBackADay",      {7, 0, kNoon + 4s},    kNoon - 24h,        900s},
        RemainingCase{"ClockSetBackYears",     {7, 0, kNoon + 4s},    Time{},             900s}),
    [](const auto& row) { return name_of(row); });
// clang-format on

}  // namespace
}  // namespace securelogin::auth
