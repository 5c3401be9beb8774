// clients.hpp: many clients at once, each logging in, leaving, and coming again as somebody else.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>

#include "bench/load/distribution.hpp"
#include "bench/load/supply.hpp"
#include "bench/load/target.hpp"
#include "bench/support/population.hpp"
#include "common/stream.hpp"

namespace securelogin::bench {

class Clients {
  public:
    /// All must outlive the clients.  REQUIRES: one thread runs `io`.
    Clients(boost::asio::io_context& io, Target& target, Supply& supply)
        : io_(io), target_(target), supply_(supply)
    {
    }

    /// `connections` clients begin; each ends after the login that is under way when stop() is called.
    void start(std::size_t connections);
    void stop() { stopping_ = true; }

    /// Forgets what has been counted.
    void reset_counts();

    [[nodiscard]] std::size_t logins() const noexcept { return whole_.size(); }
    [[nodiscard]] std::size_t failures() const noexcept { return failures_; }
    [[nodiscard]] const std::string& first_failure() const noexcept { return first_failure_; }
    /// From the connection to the server's goodbye.
    [[nodiscard]] const Distribution& whole() const noexcept { return whole_; }
    /// From the code to the verdict.
    [[nodiscard]] const Distribution& verdict() const noexcept { return verdict_; }

  private:
    [[nodiscard]] boost::asio::awaitable<void> log_in_again_and_again();
    [[nodiscard]] boost::asio::awaitable<void> log_in();
    [[nodiscard]] boost::asio::awaitable<void> talk(Stream stream, UserNumber user);
    [[nodiscard]] boost::asio::awaitable<void> browse(Stream stream, UserNumber user);

    boost::asio::io_context& io_;
    Target& target_;
    Supply& supply_;
    bool stopping_ = false;
    std::size_t failures_ = 0;
    std::string first_failure_;
    Distribution whole_;
    Distribution verdict_;
};

}  // namespace securelogin::bench
