#include "server/admin/since.hpp"

#include <gtest/gtest.h>

#include <string>

#include "server/auth/time_text.hpp"
#include "tests/support/fake_clock.hpp"

namespace securelogin::admin {
namespace {

struct SinceCase {
    std::string name;
    std::string text;
    std::string moment;  // empty: refused
};

class SinceTest : public testing::TestWithParam<SinceCase> {};

TEST_P(SinceTest, IsTheMomentThatWasMeant)
{
    const auto since = parse_since(GetParam().text);
    EXPECT_EQ(since ? auth::to_rfc3339(moment(*since, support::kNoon)) : "", GetParam().moment)
        << GetParam().text;
}

// It is noon on 2026-06-01.
INSTANTIATE_TEST_SUITE_P(
    Texts, SinceTest,
    testing::Values(
        SinceCase{"Exact", "2026-05-31T23:59:58Z", "2026-05-31T23:59:58Z"},
        SinceCase{"ADate", "2026-05-31", "2026-05-31T00:00:00Z"},
        SinceCase{"ALeapDay", "2024-02-29", "2024-02-29T00:00:00Z"},
        SinceCase{"Seconds", "90s", "2026-06-01T11:58:30Z"},
        SinceCase{"Minutes", "30m", "2026-06-01T11:30:00Z"},
        SinceCase{"Hours", "12h", "2026-06-01T00:00:00Z"}, SinceCase{"Days", "7d", "2026-05-25T12:00:00Z"},
        SinceCase{"Now", "0s", "2026-06-01T12:00:00Z"}, SinceCase{"Empty", "", ""},
        SinceCase{"ANumber", "90", ""}, SinceCase{"AUnit", "d", ""}, SinceCase{"AnotherUnit", "1w", ""},
        SinceCase{"Negative", "-1d", ""}, SinceCase{"Signed", "+1d", ""}, SinceCase{"AFraction", "1.5h", ""},
        SinceCase{"TooLongAgo", "100001d", ""}, SinceCase{"FarTooLongAgo", "99999999999999999999d", ""},
        SinceCase{"NoLeapDay", "2026-02-29", ""}, SinceCase{"MonthThirteen", "2026-13-01", ""},
        SinceCase{"DayNought", "2026-01-00", ""}, SinceCase{"AShortDate", "2026-1-1", ""},
        SinceCase{"NoZone", "2026-05-31T23:59:58", ""}, SinceCase{"LowerCase", "2026-05-31t23:59:58z", ""},
        SinceCase{"AnotherZone", "2026-05-31T23:59:58+02:00", ""},
        SinceCase{"ABlank", "2026-05-31 23:59:58Z", ""},
        SinceCase{"HourTwentyFour", "2026-05-31T24:00:00Z", ""},
        SinceCase{"MinuteSixty", "2026-05-31T23:60:00Z", ""},
        SinceCase{"SecondSixty", "2026-05-31T23:59:60Z", ""}, SinceCase{"Yesterday", "yesterday", ""}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::admin
