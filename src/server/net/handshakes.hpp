// handshakes.hpp: how many TLS handshakes are under way, in all and per source, and whose turn is next.
//
// A handshake is what costs most before anybody has said who they are: a signature, and memory for what a
// stranger sends.  Who finds no place waits, at the cost of a descriptor; sources that wait take turns.  When
// all places are taken and somebody comes whose source has none, the oldest handshake of the source that has
// most gives way, if that has two or more: whoever dawdles from few sources keeps nobody out.  Whoever waits
// may insist, and then one gives way that has had its place for kTenure: whoever dawdles holds up their own
// source, or everybody, for no longer than that.
//
// Counted by Source::network(): an IPv4 address, an IPv6 /48.  Knows no Asio; any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/auth/source.hpp"

namespace securelogin::net {

class Handshakes {
  public:
    using Clock = std::chrono::steady_clock;

    /// Three round trips to the other end of the world by satellite.
    static constexpr std::chrono::seconds kTenure{2};

    struct Limits {
        std::size_t in_all;      // >= 1
        std::size_t per_source;  // >= 1
    };

    /// Called at most once each, on any thread, and must neither block nor throw nor call back.
    struct Notices {
        std::function<void()> granted;    // the wait is over; not where there was none
        std::function<void()> displaced;  // the place is somebody else's: end the handshake
    };

    /// A place, or a place in the line for one.  Destroying it gives back what it is.  The Handshakes must
    /// outlive it.
    class Turn {
      public:
        Turn(Turn&&) noexcept = default;
        Turn& operator=(Turn&&) = delete;
        ~Turn();
        /// Whether there is a place: at once, or since `granted` was called.
        [[nodiscard]] bool has_come() const;
        [[nodiscard]] bool is_waiting() const;
        /// Where there is somebody who has kept this one waiting, and has had a place since `now` - kTenure:
        /// a place for who is next in the line, this one or another.
        void insist(Clock::time_point now);

      private:
        friend class Handshakes;
        struct State;
        Turn(Handshakes& owner, std::shared_ptr<State> state) : owner_(&owner), state_(std::move(state)) {}
        Handshakes* owner_;
        std::shared_ptr<State> state_;
    };

    /// Throws std::bad_alloc.
    explicit Handshakes(Limits limits) { set_limits(limits); }

    /// Throws std::bad_alloc.
    [[nodiscard]] Turn ask(const auth::Source& source, Notices notices);
    /// What is under way goes on.
    void set_limits(Limits limits);

    struct Counts {
        std::size_t under_way = 0;
        std::size_t waiting = 0;
        std::uint64_t displaced = 0;  // so far
    };
    [[nodiscard]] Counts counts() const;

  private:
    using Line = std::list<std::shared_ptr<Turn::State>>;  // the oldest first
    struct Group;
    using Groups = std::map<std::string, Group>;
    using Turns = std::list<Groups::iterator>;
    /// A source's.
    struct Group {
        Line under_way = {};
        Line waiting = {};
        Turns::iterator turn = {};  // in turns_, while somebody waits
    };

    void begin(Groups::iterator group) noexcept;
    [[nodiscard]] bool displace_one() noexcept;
    void displace_oldest(Groups::iterator group) noexcept;
    void insist(const Turn::State& turn, Clock::time_point now) noexcept;
    void leave(const std::shared_ptr<Turn::State>& turn) noexcept;
    void end(const std::shared_ptr<Turn::State>& turn) noexcept;
    void give_up(const std::shared_ptr<Turn::State>& turn) noexcept;
    void serve_waiting() noexcept;

    mutable std::mutex mutex_;
    Limits limits_{};  // guarded by mutex_, as is all below
    std::size_t under_way_ = 0;
    std::size_t waiting_ = 0;
    std::uint64_t displaced_ = 0;
    Groups groups_;                       // none is empty: bounded by what is open
    Turns turns_;                         // groups in which somebody waits: the next first
    std::vector<Groups::iterator> busy_;  // groups of which something is under way
};

}  // namespace securelogin::net
