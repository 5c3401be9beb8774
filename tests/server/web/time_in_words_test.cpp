#include "server/web/time_in_words.hpp"

#include <gtest/gtest.h>

namespace securelogin::web {
namespace {

TEST(TimeInWords, IsDayMonthAndMinutes)
{
    EXPECT_EQ(time_in_words("2026-05-06T07:08:09Z"), "6 May 2026, 07:08 UTC");
    EXPECT_EQ(time_in_words("1999-12-31T23:59:59Z"), "31 December 1999, 23:59 UTC");
    EXPECT_EQ(time_in_words("2026-01-10T00:00:00Z"), "10 January 2026, 00:00 UTC");
}

TEST(TimeInWords, WhatIsNoTimeHasNone)
{
    for (const std::string_view text :
         {"", "never", "2026-05-06T07:08:09", "2026-05-06 07:08:09Z", "2026-05-06T07:08:09+",
          "2026-00-06T07:08:09Z", "2026-13-06T07:08:09Z", "2026-05-06T07:08:0xZ", "2026-05-06T07:08:09ZZ",
          "<026-05-06T07:08:09Z"})
        EXPECT_EQ(time_in_words(text), std::nullopt) << text;
}

}  // namespace
}  // namespace securelogin::web
