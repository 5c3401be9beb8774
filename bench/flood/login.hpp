// login.hpp: a login as a person's client does it: told to wait, it waits and tries again, for so long.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "bench/flood/regulars.hpp"
#include "bench/load/target.hpp"

namespace securelogin::bench {

/// What became of one.
struct Login {
    bool in = false;
    bool refused = false;  // 530: never, for somebody whose answers are right
    int tries = 0;
    std::chrono::duration<double> took{0};  // from the first connection to the verdict
    std::string why = {};                   // not in: what went wrong last
};

/// Every try is a connection of its own.  Ends when the person is in, was refused, or has been at it for
/// `patience`.  Throws nothing of what a server can do.
[[nodiscard]] boost::asio::awaitable<Login> log_in_patiently(const Target& target, Supply& supply,
                                                             Person person, std::chrono::seconds patience);

}  // namespace securelogin::bench
