#include "server/auth/odds.hpp"

#include <cmath>

#include "server/auth/totp.hpp"

namespace securelogin::auth {

using std::chrono::seconds;

std::int64_t guesses_of_one_source(const WaitPolicy& policy, seconds time) noexcept
{
    std::int64_t guesses = policy.free + 1;  // at once: the wait follows the first failure that is not free
    seconds passed{0};
    for (auto wait = policy.first_wait; wait < policy.longest_wait; wait *= 2) {
        passed += wait;
        if (passed > time) return guesses;
        ++guesses;
    }
    return guesses + (time - passed) / policy.longest_wait;
}

std::int64_t guesses_of_strangers(const CeilingPolicy& policy, seconds time) noexcept
{
    return policy.failures + time / (policy.per / policy.failures);
}

double odds_of_a_code(int digits, int window) noexcept
{
    return lifetime_limit(digits, window) * (2.0 * window + 1.0) / std::pow(10.0, digits);
}

}  // namespace securelogin::auth
