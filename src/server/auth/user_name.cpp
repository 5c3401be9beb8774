#include "server/auth/user_name.hpp"

#include <algorithm>

namespace securelogin::auth {
namespace {

bool may_start(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool may_follow(char c) noexcept { return may_start(c) || c == '.' || c == '_' || c == '-'; }

}  // namespace

std::optional<UserName> UserName::parse(std::string_view typed)
{
    if (typed.empty() || typed.size() > kLongest) return std::nullopt;
    auto folded = fold_case(typed);
    if (!may_start(folded.front()) || !std::ranges::all_of(folded, may_follow)) return std::nullopt;
    return UserName(std::move(folded));
}

std::string fold_case(std::string_view text)
{
    // Not std::tolower: the locale has no say in who somebody is.
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    std::string folded(text);
    std::ranges::transform(folded, folded.begin(), lower);
    return folded;
}

}  // namespace securelogin::auth
