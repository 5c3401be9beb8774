#include "server/auth/clock_health.hpp"

#include <gtest/gtest.h>

#include <string>

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using Counts = ClockHealth::Counts;

constexpr TimeStep kStep = 60'000'000;                       // of 30 s
constexpr Time kNow{std::chrono::seconds(kStep * 30 + 14)};  // in the middle of it

/// Whose last login was at `at`, with the code of `step`.
Account account(TimeStep step, Time at = kNow)
{
    return {.id = UserId{1},
            .name = UserName::parse("alice").value(),
            .created_at = kNow - 24h,
            .password_set_at = kNow - 24h,
            .totp = TotpEnrolment{.parameters = {}, .last_step = step, .enrolled_at = kNow - 24h},
            .last_login = LastLogin{.at = at, .source = "192.0.2.1"}};
}

struct CountCase {
    std::string name;
    Account account;
    int window;
    Counts counts;
};

class ClockHealthCounts : public testing::TestWithParam<CountCase> {};

TEST_P(ClockHealthCounts, WhatALoginTells)
{
    ClockHealth health(GetParam().window);
    health.add(GetParam().account);
    EXPECT_EQ(health.counts(), GetParam().counts);
}

Account without_key()
{
    auto one = account(kStep);
    one.totp.reset();
    return one;
}
Account without_login()
{
    auto one = account(kStep);
    one.last_login.reset();
    return one;
}
Account with_new_password()
{
    auto one = account(kStep + 1);
    one.password_set_at = kNow + 20s;
    return one;
}
Account with_longer_steps()
{
    auto one = account(kStep / 2);
    one.totp->parameters.period = 60s;
    return one;
}

INSTANTIATE_TEST_SUITE_P(
    ClockHealth, ClockHealthCounts,
    testing::Values(CountCase{"Current", account(kStep), 1, {.codes = 1, .current = 1}},
                    CountCase{"Earlier", account(kStep - 1), 1, {.codes = 1, .earlier = 1}},
                    CountCase{"Later", account(kStep + 1), 1, {.codes = 1, .later = 1}},
                    CountCase{"WiderWindow", account(kStep - 3), 3, {.codes = 1, .earlier = 1}},
                    CountCase{"LongerSteps", with_longer_steps(), 1, {.codes = 1, .current = 1}},
                    CountCase{"OutsideOfTheWindow", account(kStep + 2), 1, {}},
                    CountCase{"NewKeySinceTheLogin", account(0), 1, {}},
                    CountCase{"NoKey", without_key(), 1, {}}, CountCase{"NoLogin", without_login(), 1, {}},
                    CountCase{"PasswordChangedSince", with_new_password(), 1, {}}),
    [](const auto& row) { return row.param.name; });

TEST(ClockHealth, TheLatestLoginsCount)
{
    ClockHealth health(1);
    for (int i = 0; i < 300; ++i) {  // the oldest and the newest first
        const auto step = kStep + (i % 2 == 0 ? i : -i);
        const Time at{std::chrono::seconds(step * 30 + 5)};
        health.add(account(i % 2 == 0 ? step : step - 1, at));
    }
    EXPECT_EQ(health.counts(), (Counts{.codes = 100, .current = 100}));
}

struct SentenceCase {
    std::string name;
    Counts counts;
    std::string sentence;
};

class ClockHealthSentence : public testing::TestWithParam<SentenceCase> {};

TEST_P(ClockHealthSentence, SaysWhatItMeans) { EXPECT_EQ(describe(GetParam().counts), GetParam().sentence); }

const std::string kRemedy = ": synchronize it (timedatectl set-ntp true, or chrony)";

INSTANTIATE_TEST_SUITE_P(
    ClockHealth, ClockHealthSentence,
    testing::Values(
        SentenceCase{"None", {}, "no code accepted yet"},
        SentenceCase{"Well", {100, 97, 2, 1}, "97 of 100 codes were of the current step"},
        SentenceCase{"Fast",
                     {100, 10, 89, 1},
                     "10 of 100 codes were of the current step; 89 were of an earlier one: this server's "
                     "clock is fast" +
                         kRemedy},
        SentenceCase{
            "Slow",
            {20, 2, 0, 18},
            "2 of 20 codes were of the current step; 18 were of a later one: this server's clock is slow" +
                kRemedy},
        SentenceCase{"HalfIsNoJudgement", {10, 5, 5, 0}, "5 of 10 codes were of the current step"},
        SentenceCase{"TooFewForOne", {9, 0, 9, 0}, "0 of 9 codes were of the current step"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::auth
