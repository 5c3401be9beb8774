// target.hpp: the server under load, and how a connection to it is made.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "client/device_key.hpp"
#include "common/openssl.hpp"
#include "common/stream.hpp"

namespace securelogin::bench {

/// Where a connection comes from, by which device, and until when all of it has to be over.
struct Visit {
    boost::asio::ip::address_v4 source;  // loopback
    const client::DeviceKey* device = nullptr;
    std::chrono::steady_clock::time_point until;
};

/// What is spoken there.
enum class Door { lines, pages };

class Target {
  public:
    /// `address` is numeric, IPv4 and loopback.  Throws boost::system::system_error, OpenSslError.
    Target(const std::string& address, std::uint16_t port, bool tls, Door door = Door::lines);

    /// A connection after its full TLS 1.3 handshake.  Connections come from `kSources` loopback addresses in
    /// turn, so that the server's limit per source stays what it is by default.  Throws
    /// boost::system::system_error.
    [[nodiscard]] boost::asio::awaitable<Stream> connect();
    /// The same, from a place of the caller's choice.  Any thread.
    [[nodiscard]] boost::asio::awaitable<Stream> connect(Visit visit) const;

    [[nodiscard]] std::uint16_t port() const noexcept { return address_.port(); }
    [[nodiscard]] Door door() const noexcept { return door_; }

  private:
    static constexpr std::uint32_t kSources = 64;

    [[nodiscard]] SslPtr new_session(const client::DeviceKey* device) const;

    boost::asio::ip::tcp::endpoint address_;
    Door door_;
    SslContextPtr tls_;  // nullptr: in clear
    std::uint32_t connections_ = 0;
};

}  // namespace securelogin::bench
