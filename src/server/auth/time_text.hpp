// time_text.hpp: times as the wire and the programs show them.
#pragma once

#include <chrono>
#include <cstddef>
#include <ctime>
#include <string>

#include "server/auth/clock.hpp"

namespace securelogin::auth {

/// RFC 3339, UTC, whole seconds: `2026-11-22T20:15:04Z`.  Any thread.
[[nodiscard]] inline std::string to_rfc3339(Time time)
{
    // Not strftime(3): it takes longer than all else that is done for a question about a token.
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    std::string text = "0000-00-00T00:00:00Z";
    const auto put = [&text](std::size_t last, std::int64_t value) {
        for (auto at = last; value > 0; value /= 10) text[at--] = static_cast<char>('0' + value % 10);
    };
    const auto year = std::int64_t{static_cast<int>(date.year())};
    if (year < 0 || year > 9999) return "9999-12-31T23:59:59Z";  // of a clock, or a row, that is out of order
    put(3, year);
    put(6, static_cast<unsigned>(date.month()));
    put(9, static_cast<unsigned>(date.day()));
    put(12, clock.hours().count());
    put(15, clock.minutes().count());
    put(18, clock.seconds().count());
    return text;
}

}  // namespace securelogin::auth
