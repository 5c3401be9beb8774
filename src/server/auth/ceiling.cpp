#include "server/auth/ceiling.hpp"

#include <algorithm>

namespace securelogin::auth {
namespace {

std::chrono::seconds interval(const CeilingPolicy& policy) noexcept { return policy.per / policy.failures; }

/// Between now, when it is whole, and a full period later, when it is empty.
Time possible(WholeAgain whole_again, const CeilingPolicy& policy, Time now) noexcept
{
    return std::clamp(whole_again.value_or(now), now, now + policy.per);
}

}  // namespace

WholeAgain with_possible_moment(WholeAgain whole_again, const CeilingPolicy& policy, Time now) noexcept
{
    if (!whole_again || *whole_again <= now) return whole_again;
    return possible(whole_again, policy, now);
}

WholeAgain with_charge(WholeAgain whole_again, const CeilingPolicy& policy, Time now) noexcept
{
    return possible(whole_again, policy, now) + interval(policy);
}

WholeAgain without_charge(WholeAgain whole_again, const CeilingPolicy& policy, Time now) noexcept
{
    const auto earlier = possible(whole_again, policy, now) - interval(policy);
    return earlier > now ? WholeAgain(earlier) : std::nullopt;
}

std::optional<std::chrono::seconds> time_to_refill(WholeAgain whole_again, const CeilingPolicy& policy,
                                                   Time now) noexcept
{
    const auto room_for_one = possible(whole_again, policy, now) + interval(policy) - policy.per;
    if (room_for_one <= now) return std::nullopt;
    return room_for_one - now;
}

Time reached_after(const CeilingPolicy& policy, Time now) noexcept
{
    return now + policy.per - interval(policy);
}

}  // namespace securelogin::auth
