#include "server/admin/since.hpp"

#include <charconv>
#include <cstdint>
#include <string>
#include <system_error>

namespace securelogin::admin {
namespace {

constexpr std::int64_t kLongestAgo = 100'000;  // of the unit: centuries of days

/// All of `text` as a number; digits only.
std::optional<std::int64_t> number(std::string_view text)
{
    std::int64_t value = 0;
    const auto* const begin = text.data();
    const auto* const end = begin + text.size();
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    const auto [stop, error] = std::from_chars(begin, end, value);
    return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

std::optional<std::chrono::seconds> parse_ago(std::string_view text)
{
    if (text.empty()) return std::nullopt;
    const auto count = number(text.substr(0, text.size() - 1));
    if (!count || *count > kLongestAgo) return std::nullopt;
    switch (text.back()) {
        case 's':
            return std::chrono::seconds(*count);
        case 'm':
            return std::chrono::minutes(*count);
        case 'h':
            return std::chrono::hours(*count);
        case 'd':
            return std::chrono::days(*count);
        default:
            return std::nullopt;
    }
}

/// The fields of `text`, which has the form of `form`: where that has an x stands a digit, else the same
/// character.
bool has_form(std::string_view text, std::string_view form)
{
    if (text.size() != form.size()) return false;
    for (std::size_t i = 0; i < form.size(); ++i) {
        if (form[i] == 'x' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return false;
    }
    return true;
}

std::optional<auth::Time> parse_date(std::string_view text)
{
    if (!has_form(text, "xxxx-xx-xx")) return std::nullopt;
    const std::chrono::year_month_day date(
        std::chrono::year(static_cast<int>(*number(text.substr(0, 4)))),
        std::chrono::month(static_cast<unsigned>(*number(text.substr(5, 2)))),
        std::chrono::day(static_cast<unsigned>(*number(text.substr(8, 2)))));
    if (!date.ok()) return std::nullopt;
    return auth::Time(std::chrono::sys_days(date));
}

std::optional<auth::Time> parse_moment(std::string_view text)
{
    if (!has_form(text, "xxxx-xx-xxTxx:xx:xxZ")) return std::nullopt;
    const auto date = parse_date(text.substr(0, 10));
    const auto hours = *number(text.substr(11, 2));
    const auto minutes = *number(text.substr(14, 2));
    const auto seconds = *number(text.substr(17, 2));
    if (!date || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
    return *date + std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
}

}  // namespace

std::optional<Since> parse_since(std::string_view text)
{
    if (const auto ago = parse_ago(text)) return *ago;
    if (const auto date = parse_date(text)) return *date;
    if (const auto exact = parse_moment(text)) return *exact;
    return std::nullopt;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) { return parse_ago(text); }

auth::Time moment(const Since& since, auth::Time now)
{
    if (const auto* const ago = std::get_if<std::chrono::seconds>(&since)) return now - *ago;
    return std::get<auth::Time>(since);
}

}  // namespace securelogin::admin
