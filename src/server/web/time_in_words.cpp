#include "server/web/time_in_words.hpp"

#include <fmt/format.h>

#include <array>

namespace securelogin::web {
namespace {

constexpr std::string_view kTimeForm = "dddd-dd-ddTdd:dd:ddZ";  // d: a digit
constexpr std::array<std::string_view, 12> kMonths{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};

bool has_time_form(std::string_view text) noexcept
{
    if (text.size() != kTimeForm.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (kTimeForm[i] == 'd' ? !digit : text[i] != kTimeForm[i]) return false;
    }
    return true;
}

std::size_t two_digits(std::string_view text) noexcept
{
    return static_cast<std::size_t>(text[0] - '0') * 10 + static_cast<std::size_t>(text[1] - '0');
}

}  // namespace

std::optional<std::string> time_in_words(std::string_view rfc3339)
{
    if (!has_time_form(rfc3339)) return std::nullopt;
    const auto month = two_digits(rfc3339.substr(5));
    if (month < 1 || month > kMonths.size()) return std::nullopt;
    return fmt::format("{} {} {}, {} UTC", two_digits(rfc3339.substr(8)), kMonths.at(month - 1),
                       rfc3339.substr(0, 4), rfc3339.substr(11, 5));
}

}  // namespace securelogin::web
