// connection.hpp: one conversation over one stream: its deadlines, its lines, and the only catch.
//
// Whatever goes wrong below or inside a conversation ends here, in the documented last reply or in silence,
// and never in a yes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/event_log.hpp"
#include "common/line.hpp"
#include "server/auth/source.hpp"
#include "server/login/async_authenticator.hpp"
#include "server/login/async_enrolment.hpp"
#include "server/login/peer.hpp"
#include "server/net/tls.hpp"
#include "server/net/visitor.hpp"

namespace securelogin::net {

/// All absolute: counted from the beginning of what they bound, extended by nothing.
struct Deadlines {
    std::chrono::seconds handshake;
    std::chrono::seconds answer;
    std::chrono::seconds login;
    std::chrono::seconds idle;
    std::chrono::seconds enrolment;  // each answer of one
};

/// What connections are served with.  A reload makes a new one; connections keep the one that they began
/// with.
struct Service {
    std::string name;
    Deadlines deadlines;
    SslContextPtr tls;
    login::AsyncAuthenticator authenticator;
    EventLog& log;
    login::AsyncEnrolments enrolments;
};

class Connection final : public Visitor, public login::Peer {
  public:
    Connection(Entry entry, std::shared_ptr<const Service> service);

    void say(const Reply& reply) override;
    [[nodiscard]] boost::asio::awaitable<Secret> answer(Patience patience) override;
    void logged_in() override { login_deadline_.reset(); }
    [[nodiscard]] const auth::Source& source() const override { return origin(); }
    [[nodiscard]] const std::optional<auth::DeviceFingerprint>& device() const override { return device_; }
    [[nodiscard]] std::uint64_t connection() const override { return id(); }

  private:
    [[nodiscard]] Reception reception() const override;
    [[nodiscard]] boost::asio::awaitable<void> attend() override;
    [[nodiscard]] boost::asio::awaitable<void> apologize(std::chrono::seconds patience) override;
    void take_back();
    void receive();
    [[nodiscard]] boost::asio::awaitable<void> flush();
    [[nodiscard]] boost::asio::awaitable<void> finish(std::chrono::seconds patience);
    [[nodiscard]] Clock::time_point deadline_for(Patience patience) const;
    void answered(Patience patience);
    [[noreturn]] void give_up(const boost::system::error_code& error) const;

    std::optional<auth::DeviceFingerprint> device_;  // known from the end of the handshake on
    std::shared_ptr<const Service> service_;
    LineBuffer lines_;
    std::string unsent_;
    std::optional<Clock::time_point> login_deadline_;
};

}  // namespace securelogin::net
