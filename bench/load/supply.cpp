#include "bench/load/supply.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace securelogin::bench {
namespace {

constexpr std::chrono::seconds kPeriod{30};
constexpr std::chrono::seconds kLongestWait{8};  // from the code being read to its being judged

auth::TimeStep step_at(auth::Time time) { return time.time_since_epoch() / kPeriod; }

/// About the golden section of `count`, and coprime with it: visits all, neighbours far apart.
std::size_t stride_through(std::size_t count)
{
    constexpr double golden_section = 0.618;
    auto stride =
        std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(count) * golden_section));
    while (std::gcd(stride, count) != 1) ++stride;
    return stride;
}

}  // namespace

Supply::Supply(UserNumber users, std::size_t skip, UserNumber first)
    : first_(first),
      last_step_(users),
      stride_(stride_through(users)),
      position_(skip % users * stride_ % users)
{
}

UserNumber Supply::next_user()
{
    ++used_;
    position_ = (position_ + stride_) % last_step_.size();
    return first_ + static_cast<UserNumber>(position_);
}

std::string Supply::next_code(UserNumber user, auth::Time now)
{
    auto& last_step = last_step_[user - first_];
    const auto step = std::max(last_step + 1, step_at(now + kLongestWait) - 1);
    if (step > step_at(now) + 1)
        throw std::runtime_error(name_of(user) + " has used all codes: more users are needed");
    last_step = step;
    return code_of(user, step);
}

std::string Supply::code_again(UserNumber user, auth::Time now)
{
    const auto last_step = last_step_[user - first_];
    return last_step >= step_at(now + kLongestWait) - 1 ? code_of(user, last_step) : next_code(user, now);
}

}  // namespace securelogin::bench
