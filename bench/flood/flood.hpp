// flood.hpp: wrong logins at a given rate, whatever the server makes of them, from so many addresses.
//
// It does what costs the server most for what it costs the sender: a full handshake, then three wrong logins
// in one packet, each with a name of its own, every other one a user's.  It does not wait for answers before
// it goes on (an open loop), nor for a wait to be over.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "bench/load/conversation.hpp"
#include "bench/load/target.hpp"
#include "bench/support/cpu_time.hpp"
#include "bench/support/population.hpp"

namespace securelogin::bench {

struct FloodPlan {
    std::uint32_t sources = 1;  // 1 to 65,000
    double logins_per_second = 0;
    std::chrono::steady_clock::time_point begin;
    std::chrono::steady_clock::time_point end;
    UserNumber users_from = 0;  // users whose names are tried: none of those who log in
    UserNumber users_to = 0;    // open end
};

/// Logins, unless said otherwise.
struct FloodTally {
    std::size_t offered = 0;      // all that follow
    std::size_t judged = 0;       // 530
    std::size_t not_judged = 0;   // 450
    std::size_t turned_away = 0;  // their connection ended before they were
    std::size_t granted = 0;      // 230: never
    std::size_t held_back = 0;    // should have been offered, and were not: too many connections were open
    std::size_t most_open = 0;    // connections at once
};

class Flood {
  public:
    /// Begins by itself, on a thread of its own.  `target` must outlive it.
    Flood(const Target& target, const FloodPlan& plan);
    ~Flood();
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;

    /// At plan.end; once.  What is still open then is hung up when this is destroyed, and counts as turned
    /// away.
    [[nodiscard]] FloodTally finish();

  private:
    [[nodiscard]] boost::asio::awaitable<void> offer();
    [[nodiscard]] boost::asio::awaitable<void> attack(std::uint64_t number);
    [[nodiscard]] boost::asio::awaitable<void> listen(Conversation& conversation);
    [[nodiscard]] boost::asio::awaitable<void> read_answers(Stream& stream);
    void offer_one();
    void stop() noexcept;

    // All of it is the thread's until it has been joined.
    const Target& target_;
    const FloodPlan plan_;
    boost::asio::io_context io_{1};
    std::uint64_t connections_ = 0;  // so far
    std::size_t open_ = 0;           // connections, their beginning included
    FloodTally tally_;
    std::thread thread_;  // last: runs io_
};

}  // namespace securelogin::bench
