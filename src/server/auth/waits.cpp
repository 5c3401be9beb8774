#include "server/auth/waits.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace securelogin::auth {
namespace {

using std::chrono::seconds;

/// The wait that so many failures bring; nothing for the free ones.
std::optional<seconds> wait_after(const Failures& failures, const WaitPolicy& policy) noexcept
{
    const auto sum = std::int64_t{failures.password} + failures.code;
    if (sum <= policy.free) return std::nullopt;
    auto wait = policy.first_wait;
    for (auto failure = std::int64_t{policy.free} + 1; failure < sum; ++failure) {
        if (wait >= policy.longest_wait - wait)
            return policy.longest_wait;      // the next doubling would pass it
        if (wait <= seconds::zero()) break;  // nought doubles to nought
        wait *= 2;
    }
    return std::min(wait, policy.longest_wait);
}

void count_one_more(int& failures) noexcept
{
    if (failures < std::numeric_limits<int>::max()) ++failures;
}

}  // namespace

Failures after_failure(Failures failures, Factor factor, const WaitPolicy& policy, Time now) noexcept
{
    count_one_more(factor == Factor::password ? failures.password : failures.code);
    return wait_from(failures, policy, now);
}

Failures without_charge(Failures failures) noexcept
{
    // An attempt is charged only when there was nothing to wait for: so the wait was the charge's own.
    --failures.password;
    failures.wait_until.reset();
    return failures;
}

Failures wait_from(Failures failures, const WaitPolicy& policy, Time now) noexcept
{
    const auto wait = wait_after(failures, policy);
    failures.wait_until = wait ? std::optional(now + *wait) : std::nullopt;
    return failures;
}

Failures with_possible_wait(Failures failures, const WaitPolicy& policy, Time now) noexcept
{
    if (failures.wait_until) failures.wait_until = std::min(*failures.wait_until, now + policy.longest_wait);
    return failures;
}

std::optional<seconds> remaining_wait(const Failures& failures, const WaitPolicy& policy, Time now) noexcept
{
    if (!failures.wait_until || *failures.wait_until <= now) return std::nullopt;
    return std::min(*failures.wait_until - now, policy.longest_wait);
}

}  // namespace securelogin::auth
