#include "server/auth/session_check.hpp"

#include <utility>

namespace securelogin::auth {

TokenVerdict SessionCheck::check(std::string_view token)
{
    if (!is_token(token)) return {.malformed = true};
    auto holder = reader_.find_token(hash_(token));
    const auto now = clock_.now();
    if (!holder || !is_live(*holder, policy_, now)) return {};
    const auto unused = now - holder->last_used_at;
    return {.holder = std::move(holder),
            .touch = unused >= touch_interval(policy_),
            .touch_soon = unused >= policy_.idle / 2};
}

}  // namespace securelogin::auth
