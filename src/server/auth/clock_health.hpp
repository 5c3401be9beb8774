// clock_health.hpp: is the server's clock right?  What the codes say that were accepted.
//
// Phones are set by their networks; when most of them seem to be a step early or late, it is the server that
// is wrong.  Read off the accounts as they are: the last time step accepted, against the time of the login
// that it was accepted at (docs/decisions/0023-clock-health-from-the-accounts.md).  Pure; one thread at a
// time.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "server/auth/account.hpp"

namespace securelogin::auth {

class ClockHealth {
  public:
    static constexpr std::size_t kLatest = 100;  // logins that are looked at: each user's last, of the latest

    /// `window`: of the settings; a code that was accepted outside of it is not from a login.
    explicit ClockHealth(int window) : window_(window) {}

    /// Takes in the account's last login.  Not one without a key, or whose password has been changed since: a
    /// code has been accepted for that as well.
    void add(const Account& account);

    struct Counts {
        std::size_t codes = 0;
        std::size_t current = 0;  // of the step that the server was in
        std::size_t earlier = 0;
        std::size_t later = 0;
        friend bool operator==(const Counts&, const Counts&) = default;
    };
    [[nodiscard]] Counts counts() const;

  private:
    const int window_;
    std::multimap<Time, TimeStep> offsets_;  // of the latest logins, in steps; at most kLatest
};

/// `97 of 100 codes were of the current step`; where most were not, what that means and what to do.
[[nodiscard]] std::string describe(const ClockHealth::Counts& counts);

}  // namespace securelogin::auth
