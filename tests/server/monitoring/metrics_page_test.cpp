#include "server/metrics_page.hpp"

#include <gmock/gmock.h>

#include <sstream>
#include <thread>
#include <vector>

#include "server/login/async_authenticator.hpp"

namespace securelogin {
namespace {

using auth::Refusal;
using login::Metrics;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// ---- a histogram ----

struct RangeCase {
    const char* name;
    std::uint64_t value;
    std::vector<std::uint64_t> in_ranges;
};

class HistogramRange : public testing::TestWithParam<RangeCase> {};

TEST_P(HistogramRange, EndsWithItsBound)
{
    Histogram histogram{10, 20};
    histogram.add(GetParam().value);
    EXPECT_EQ((std::vector{histogram.in_range(0), histogram.in_range(1), histogram.in_range(2)}),
              GetParam().in_ranges);
    EXPECT_EQ(histogram.sum(), GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(Bounds, HistogramRange,
                         testing::Values(RangeCase{"Nought", 0, {1, 0, 0}}, RangeCase{"Bound", 10, {1, 0, 0}},
                                         RangeCase{"AboveBound", 11, {0, 1, 0}},
                                         RangeCase{"LastBound", 20, {0, 1, 0}},
                                         RangeCase{"AboveAll", 21, {0, 0, 1}},
                                         RangeCase{"FarAbove", 1U << 31U, {0, 0, 1}}),
                         [](const auto& row) { return row.param.name; });

TEST(Histogram, TimesAreMicroseconds)
{
    Histogram histogram{1000};
    histogram.add(std::chrono::milliseconds(1));
    histogram.add(std::chrono::milliseconds(2));
    histogram.add(std::chrono::milliseconds(-5));
    EXPECT_EQ(histogram.in_range(0), 2U);
    EXPECT_EQ(histogram.in_range(1), 1U);
    EXPECT_EQ(histogram.sum(), 3000U);
}

TEST(Histogram, OfManyThreadsNothingIsLost)
{
    Histogram histogram{1};
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&] {
                for (int i = 0; i < 10000; ++i) histogram.add(std::uint64_t{2});
            });
        }
    }
    EXPECT_EQ(histogram.in_range(1), 40000U);
    EXPECT_EQ(histogram.sum(), 80000U);
}

// ---- what is counted ----

login::Outcome granted(int offset)
{
    auto verdict = std::make_shared<auth::Verdict>();
    const auth::Account alice{.id = auth::UserId{1},
                              .name = auth::UserName::parse("alice").value(),
                              .created_at = {},
                              .password_set_at = {}};
    verdict->granted = auth::Granted{.account = alice, .session = {}};
    verdict->granted->code_offset = offset;
    return {.verdict = verdict};
}

login::Outcome refused(Refusal reason)
{
    auto verdict = std::make_shared<auth::Verdict>();
    verdict->refusal = reason;
    return {.verdict = verdict};
}

login::Outcome not_judged(std::string why)
{
    return {.verdict = {}, .retry_after = std::chrono::seconds(1), .why_not_judged = std::move(why)};
}

class MetricsPage : public testing::Test {
  protected:
    [[nodiscard]] std::vector<std::string> lines(Reasons reasons = Reasons::shown) const
    {
        std::istringstream page(metrics_page(attempts_, store_, now_, reasons));
        std::vector<std::string> all;
        for (std::string line; std::getline(page, line);) all.push_back(line);
        return all;
    }

    Metrics attempts_;
    store::Metrics store_;
    Gauges now_;
};

TEST_F(MetricsPage, AttemptsByOutcomeAndReason)
{
    attempts_.count(Metrics::Kind::login, granted(0));
    attempts_.count(Metrics::Kind::confirm, granted(1));
    for (const auto reason : {Refusal::unknown_user, Refusal::wrong_code, Refusal::wrong_code}) {
        attempts_.count(Metrics::Kind::login, refused(reason));
    }
    for (const auto* why : {"throttled", "overloaded", "writing to /data: the disk is full"}) {
        attempts_.count(Metrics::Kind::login, not_judged(why));
    }
    const auto page = lines();
    const auto line = [](std::string_view labels, int number) {
        return "securelogin_attempts_total{" + std::string(labels) + "} " + std::to_string(number);
    };
    EXPECT_THAT(page, Contains(line(R"(kind="login",outcome="granted",reason="")", 1)));
    EXPECT_THAT(page, Contains(line(R"(kind="confirm",outcome="granted",reason="")", 1)));
    EXPECT_THAT(page, Contains(line(R"(kind="login",outcome="refused",reason="unknown_user")", 1)));
    EXPECT_THAT(page, Contains(line(R"(kind="login",outcome="refused",reason="wrong_code")", 2)));
    EXPECT_THAT(page, Contains(line(R"(kind="login",outcome="refused",reason="wrong_password")", 0)));
    EXPECT_THAT(page, Contains(line(R"(kind="login",outcome="not_judged",reason="throttled")", 1)));
    EXPECT_THAT(page, Contains(line(R"(kind="login",outcome="not_judged",reason="overloaded")", 1)));
    EXPECT_THAT(page, Contains(line(R"(kind="login",outcome="not_judged",reason="failed")", 1)));
}

/// Whoever may read the page must not learn from it which guess at a name or a password was right.
TEST_F(MetricsPage, HiddenReasonsMakeAllRefusalsAlike)
{
    std::vector<std::vector<std::string>> pages;
    for (const auto reason :
         {Refusal::unknown_user, Refusal::disabled, Refusal::wrong_password, Refusal::wrong_code}) {
        Metrics one;
        one.count(Metrics::Kind::login, refused(reason));
        std::istringstream page(metrics_page(one, store_, now_, Reasons::hidden));
        auto& all = pages.emplace_back();
        for (std::string line; std::getline(page, line);) all.push_back(line);
    }
    EXPECT_THAT(pages, testing::Each(pages.front()));
    EXPECT_THAT(pages.front(),
                Contains(R"(securelogin_attempts_total{kind="login",outcome="refused",reason=""} 1)"));
}

TEST_F(MetricsPage, ClockHealthIsTheOffsetOfAcceptedCodes)
{
    for (const int offset : {-1, -1, 0, 1, 5, -5, 6, -6, 1000}) {
        attempts_.count(Metrics::Kind::login, granted(offset));
    }
    const auto page = lines();
    EXPECT_THAT(page, Contains(R"(securelogin_codes_accepted_total{offset="-1"} 2)"));
    EXPECT_THAT(page, Contains(R"(securelogin_codes_accepted_total{offset="0"} 1)"));
    EXPECT_THAT(page, Contains(R"(securelogin_codes_accepted_total{offset="5"} 1)"));
    EXPECT_THAT(page, Contains(R"(securelogin_codes_accepted_total{offset="-5"} 1)"));
    EXPECT_THAT(page, Not(Contains(HasSubstr("offset=\"6\""))));
}

TEST_F(MetricsPage, AHistogramIsCumulativeAndInSeconds)
{
    store_.commit_time.add(std::uint64_t{90});
    store_.commit_time.add(std::uint64_t{400});
    store_.commit_time.add(std::uint64_t{9000000});
    const auto page = lines();
    EXPECT_THAT(page, Contains(R"(securelogin_commit_seconds_bucket{le="0.0001"} 1)"));
    EXPECT_THAT(page, Contains(R"(securelogin_commit_seconds_bucket{le="0.0005"} 2)"));
    EXPECT_THAT(page, Contains(R"(securelogin_commit_seconds_bucket{le="1"} 2)"));
    EXPECT_THAT(page, Contains(R"(securelogin_commit_seconds_bucket{le="+Inf"} 3)"));
    EXPECT_THAT(page, Contains("securelogin_commit_seconds_count 3"));
    EXPECT_THAT(page, Contains("securelogin_commit_seconds_sum 9.00049"));
}

TEST_F(MetricsPage, WhatIsSoNow)
{
    now_ = {.hash_queue = 3,
            .hash_queue_limit = 512,
            .connections = {.taken = 4, .given = 50, .refused = 6},
            .too_fast = 8,
            .handshakes = {.under_way = 9, .waiting = 10, .displaced = 11},
            .store = {.state = {.waits = 12, .ceilings = 13, .sessions = 14, .last_audit = 99},
                      .records_since_checkpoint = 15,
                      .checkpoint_age = std::chrono::seconds(16),
                      .age = std::chrono::seconds(17)},
            .log_lines_lost = 7};
    const auto page = lines();
    for (const auto* line :
         {"securelogin_hash_queue 3", "securelogin_hash_queue_limit 512", "securelogin_connections 4",
          "securelogin_connections_total 50", "securelogin_connections_turned_away_total 6",
          "securelogin_log_lines_lost_total 7", "securelogin_connections_too_fast_total 8",
          "securelogin_handshakes 9", "securelogin_handshakes_waiting 10",
          "securelogin_handshakes_displaced_total 11", "securelogin_waits 12",
          "securelogin_ceilings_reached 13", "securelogin_sessions 14",
          "securelogin_audit_records_since_checkpoint 15", "securelogin_audit_checkpoint_age_seconds 16",
          "securelogin_state_age_seconds 17"}) {
        EXPECT_THAT(page, Contains(line));
    }
    EXPECT_THAT(page, Contains(testing::StartsWith("securelogin_build_info{version=\"")));
}

}  // namespace
}  // namespace securelogin
