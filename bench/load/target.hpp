// target.hpp: the server under load, and how a connection to it is made.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <string>

#include "common/openssl.hpp"
#include "common/stream.hpp"

namespace securelogin::bench {

class Target {
  public:
    /// `address` is numeric, IPv4 and loopback.  Throws boost::system::system_error, OpenSslError.
    Target(const std::string& address, std::uint16_t port, bool tls);

    /// A connection after its full TLS 1.3 handshake.  Connections come from `kSources` loopback addresses in
    /// turn, so that the server's limit per source stays what it is by default.  Throws
    /// boost::system::system_error.
    [[nodiscard]] boost::asio::awaitable<Stream> connect();

  private:
    static constexpr std::uint32_t kSources = 64;

    [[nodiscard]] boost::asio::ip::tcp::endpoint next_source();

    boost::asio::ip::tcp::endpoint address_;
    SslContextPtr tls_;  // nullptr: in clear
    std::uint32_t connections_ = 0;
};

}  // namespace securelogin::bench
