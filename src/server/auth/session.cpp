#include "server/auth/session.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <system_error>

namespace securelogin::auth {
namespace {

constexpr unsigned kIdDigits = 8;

bool is_live(Time expires_at, Time last_used_at, const SessionPolicy& policy, Time now) noexcept
{
    const auto unused = now - last_used_at;
    // A clock that was set back makes it negative.  By seconds, that is every day's time service; by more
    // than the idle limit, the session was opened under a clock that was wrong, and its end may lie years
    // ahead.
    return now < expires_at && unused < policy.idle && unused > -policy.idle;
}

}  // namespace

std::string session_id(std::uint32_t number)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string id(kIdDigits, '0');
    for (auto digit = id.rbegin(); number != 0; number >>= 4U) *digit++ = digits[number & 0xFU];
    return id;
}

std::optional<std::uint32_t> session_number(std::string_view id) noexcept
{
    std::uint32_t number = 0;
    const auto* const begin = std::to_address(id.begin());
    const auto* const end = std::to_address(id.end());
    const bool are_digits = std::ranges::none_of(id, [](char c) { return 'A' <= c && c <= 'F'; });
    if (id.size() != kIdDigits || !are_digits) return std::nullopt;
    const auto [last, error] = std::from_chars(begin, end, number, 16);
    if (error != std::errc() || last != end) return std::nullopt;
    return number;
}

bool is_live(const Session& session, const SessionPolicy& policy, Time now) noexcept
{
    return is_live(session.expires_at, session.last_used_at, policy, now);
}

bool is_live(const TokenHolder& holder, const SessionPolicy& policy, Time now) noexcept
{
    return is_live(holder.expires_at, holder.last_used_at, policy, now);
}

Session session_of(const TokenHolder& holder, const Source& source)
{
    return {.user = holder.user,
            .id = holder.session,
            .opened_at = {},
            .expires_at = holder.expires_at,
            .last_used_at = holder.last_used_at,
            .source = source.address(),
            .has_token = true};
}

std::chrono::seconds touch_interval(const SessionPolicy& policy) noexcept
{
    return std::min<std::chrono::seconds>(std::chrono::minutes(1), policy.idle / 4);
}

}  // namespace securelogin::auth
