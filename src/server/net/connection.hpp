// connection.hpp: one conversation over one stream: its deadlines, its lines, and the only catch.
//
// Whatever goes wrong below or inside a conversation ends here, in the documented last reply or in silence,
// and never in a yes.  Everything happens on the stream's executor, a strand; shut_down() may be called from
// any thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/event_log.hpp"
#include "common/line.hpp"
#include "common/stream.hpp"
#include "server/auth/source.hpp"
#include "server/login/async_authenticator.hpp"
#include "server/login/peer.hpp"
#include "server/net/handshakes.hpp"
#include "server/net/slots.hpp"
#include "server/net/tls.hpp"

namespace securelogin::net {

/// All absolute: counted from the beginning of what they bound, extended by nothing.
struct Deadlines {
    std::chrono::seconds handshake;
    std::chrono::seconds answer;
    std::chrono::seconds login;
    std::chrono::seconds idle;
};

/// What connections are served with.  A reload makes a new one; connections keep the one that they began
/// with.
struct Service {
    std::string name;
    Deadlines deadlines;
    SslContextPtr tls;
    login::AsyncAuthenticator authenticator;
    EventLog& log;
};

class Connection final : public login::Peer, public std::enable_shared_from_this<Connection> {
  public:
    /// `stream` is in clear as yet, whatever it is to be.
    Connection(Stream stream, std::optional<Slots::Slot> slot, auth::Source source, std::uint64_t id,
               std::shared_ptr<const Service> service);

    /// Handshake when its turn has come, conversation, goodbye; all in clear where there are no handshakes.
    /// Never throws.
    [[nodiscard]] boost::asio::awaitable<void> serve(Handshakes* handshakes);
    /// Handshake, 421, goodbye, all within `patience`: for whom there is no slot.  Never throws.
    [[nodiscard]] boost::asio::awaitable<void> turn_away(std::chrono::seconds patience);

    /// The strand that everything of this connection runs on.
    [[nodiscard]] Stream::executor_type executor() const noexcept { return stream_.get_executor(); }

    /// Ends the conversation at its next question.  Any thread.
    void shut_down();

    void say(const Reply& reply) override;
    [[nodiscard]] boost::asio::awaitable<Secret> answer(Patience patience) override;
    void logged_in() override { login_deadline_.reset(); }
    [[nodiscard]] const auth::Source& source() const override { return source_; }
    [[nodiscard]] const std::optional<auth::DeviceFingerprint>& device() const override { return device_; }
    [[nodiscard]] std::uint64_t connection() const override { return id_; }

  private:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] boost::asio::awaitable<bool> handshake_in_turn(Handshakes& handshakes);
    [[nodiscard]] boost::asio::awaitable<boost::system::error_code> await_turn(Handshakes& handshakes,
                                                                               Clock::time_point deadline);
    [[nodiscard]] boost::asio::awaitable<boost::system::error_code> handshake();
    [[nodiscard]] Handshakes::Notices notices_of_turn();
    [[nodiscard]] bool log_failed(const boost::system::error_code& error) const;
    [[nodiscard]] boost::asio::awaitable<void> converse();
    [[nodiscard]] boost::asio::awaitable<void> receive();
    [[nodiscard]] boost::asio::awaitable<void> flush();
    [[nodiscard]] boost::asio::awaitable<void> finish(std::chrono::seconds patience);
    [[nodiscard]] Clock::time_point deadline_for(Patience patience) const;
    [[noreturn]] void give_up(const boost::system::error_code& error) const;

    Stream stream_;
    std::optional<Slots::Slot> slot_;
    std::optional<Handshakes::Turn> turn_;  // until the handshake has ended
    std::optional<boost::asio::steady_timer> turn_awaited_;
    auth::Source source_;
    std::optional<auth::DeviceFingerprint> device_;  // known from the end of the handshake on
    std::uint64_t id_;
    std::shared_ptr<const Service> service_;
    LineBuffer lines_;
    std::string unsent_;
    std::optional<Clock::time_point> login_deadline_;
    bool waiting_ = false;   // for the peer, with nothing of ours on its way
    bool draining_ = false;  // the server is stopping
};

}  // namespace securelogin::net
