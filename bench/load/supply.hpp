// supply.hpp: users who can log in now, each with a code that has not been used.
//
// A code works once, so each user's steps only ever go forward, and three at most are good at a time: the one
// that is running, and one on each side of it.  Users come in an order that looks random, so that the server
// cannot profit from neighbours.  Not safe for use by two threads at once.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/support/population.hpp"
#include "server/auth/clock.hpp"

namespace securelogin::bench {

class Supply {
  public:
    /// Users `first` to `first`+`users`-1, beginning after the first `skip` of the order; none of those who
    /// come has logged in for two steps.
    explicit Supply(UserNumber users, std::size_t skip = 0, UserNumber first = 0);

    [[nodiscard]] UserNumber next_user();
    /// How often next_user() has been called.
    [[nodiscard]] std::size_t used() const noexcept { return used_; }

    /// A code of `user` that is good at `now` and for some seconds after.  Throws std::runtime_error when the
    /// user has used all that are: more users are needed.
    [[nodiscard]] std::string next_code(UserNumber user, auth::Time now);
    /// The code given last, which was not judged, while it is good; then the next.  Throws as next_code.
    [[nodiscard]] std::string code_again(UserNumber user, auth::Time now);

  private:
    UserNumber first_;
    std::vector<auth::TimeStep> last_step_;
    std::size_t stride_;
    std::size_t position_;
    std::size_t used_ = 0;
};

}  // namespace securelogin::bench
