// visitor.hpp: one accepted connection up to the end of its handshake, and its end, whatever is spoken in
// between.
//
// Everything happens on the stream's executor, a strand or a thread's own context; shut_down() may be called
// from any thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/event_log.hpp"
#include "common/openssl.hpp"
#include "common/stream.hpp"
#include "server/auth/source.hpp"
#include "server/net/handshakes.hpp"
#include "server/net/slots.hpp"

namespace securelogin::net {

class Visitor : public std::enable_shared_from_this<Visitor> {
  public:
    using Clock = std::chrono::steady_clock;

    struct Entry {
        Stream stream;  // in clear as yet, whatever it is to be
        std::optional<Slots::Slot> slot;
        auth::Source source;
        std::uint64_t id;  // tells connections apart in the log
    };

    virtual ~Visitor() = default;
    Visitor(const Visitor&) = delete;
    Visitor& operator=(const Visitor&) = delete;

    /// Handshake when its turn has come, then what the door is for; all in clear where there are no
    /// handshakes.  Never throws.
    [[nodiscard]] boost::asio::awaitable<void> serve(Handshakes* handshakes);
    /// Handshake, a word, goodbye, all within `patience`: for whom there is no slot.  Never throws.
    [[nodiscard]] boost::asio::awaitable<void> turn_away(std::chrono::seconds patience);

    [[nodiscard]] Stream::executor_type executor() const noexcept { return stream_.get_executor(); }
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] const auth::Source& origin() const noexcept { return source_; }
    /// Tells the operator whose `event` it was, and why it failed.
    void log_failure(EventLog& log, std::string_view event, std::string_view why,
                     Level level = Level::error) const;

    /// Ends it where nothing is under way.  Any thread.
    void shut_down();

    // On its executor, for what speaks with the peer.

    [[nodiscard]] Stream& stream() noexcept { return stream_; }
    /// The server is stopping.
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    /// For the peer, with nothing of ours on its way: a shutdown need not wait.
    void set_waiting(bool waiting) noexcept { waiting_ = waiting; }

  protected:
    /// What the handshake takes.
    struct Reception {
        SSL_CTX& tls;
        std::chrono::seconds deadline;  // of the handshake, the wait for its turn included
        EventLog& log;
    };

    explicit Visitor(Entry entry)
        : stream_(std::move(entry.stream)),
          slot_(std::move(entry.slot)),
          source_(std::move(entry.source)),
          id_(entry.id)
    {
    }

    /// Must stay what it is as long as the visitor.
    [[nodiscard]] virtual Reception reception() const = 0;
    /// All that is said, to the goodbye.  Must not throw.
    [[nodiscard]] virtual boost::asio::awaitable<void> attend() = 0;
    /// Tells that there is no slot, and says goodbye.  Must not throw.
    [[nodiscard]] virtual boost::asio::awaitable<void> apologize(std::chrono::seconds patience) = 0;

  private:
    /// A place among the handshakes, or the wait for one.
    struct HandshakeTurn {
        Handshakes::Turn place;
        boost::asio::steady_timer awaited;
    };

    [[nodiscard]] boost::asio::awaitable<bool> handshake_in_turn(Handshakes& handshakes);
    [[nodiscard]] boost::asio::awaitable<boost::system::error_code> await_turn(Handshakes& handshakes,
                                                                               Clock::time_point deadline);
    [[nodiscard]] boost::asio::awaitable<boost::system::error_code> handshake();
    [[nodiscard]] Handshakes::Notices notices_of_turn();
    [[nodiscard]] bool log_failed(const boost::system::error_code& error) const;

    Stream stream_;
    std::optional<Slots::Slot> slot_;
    std::unique_ptr<HandshakeTurn> turn_;  // until the handshake has ended
    auth::Source source_;
    std::uint64_t id_;
    bool waiting_ = false;
    bool draining_ = false;
};

}  // namespace securelogin::net
