#include "bench/load/target.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

namespace securelogin::bench {
namespace asio = boost::asio;
namespace {

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kPatience{60};       // for a whole connection of a benchmark that goes well
constexpr std::uint32_t kFirstSource = 0x7F000102;  // 127.0.1.2

SslContextPtr make_client_context()
{
    SslContextPtr context(SSL_CTX_new(TLS_client_method()));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1)
        throw OpenSslError("setting up TLS");
    // Each login is a full handshake.  The certificate is a throw-away one: its signature is checked, its
    // name is not.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    return context;
}

void set_option(int socket, int level, int option)
{
    const int on = 1;
    if (::setsockopt(socket, level, option, &on, sizeof on) != 0) {
        throw boost::system::system_error(errno, boost::system::system_category(),
                                          "setting a socket's option");
    }
}

void throw_if(const boost::system::error_code& error, const char* doing)
{
    if (error) throw boost::system::system_error(error, doing);
}

}  // namespace

Target::Target(const std::string& address, std::uint16_t port, bool tls, Door door)
    : address_(asio::ip::make_address(address), port),
      door_(door),
      tls_(tls ? make_client_context() : nullptr)
{
}

/// nullptr: in clear.
SslPtr Target::new_session(const client::DeviceKey* device) const
{
    if (!tls_) return nullptr;
    SslPtr ssl(SSL_new(tls_.get()));
    if (!ssl) throw OpenSslError("setting up TLS");
    SSL_set_connect_state(ssl.get());
    if (device == nullptr) return ssl;
    if (SSL_use_certificate(ssl.get(), &device->certificate()) != 1 ||
        SSL_use_PrivateKey(ssl.get(), &device->key()) != 1) {
        throw OpenSslError("showing a device's certificate");
    }
    return ssl;
}

asio::awaitable<Stream> Target::connect()
{
    return connect(Visit{.source = asio::ip::address_v4(kFirstSource + connections_++ % kSources),
                         .until = std::chrono::steady_clock::now() + kPatience});
}

asio::awaitable<Stream> Target::connect(Visit visit) const
{
    const auto executor = co_await asio::this_coro::executor;
    Stream::Socket socket(executor, asio::generic::stream_protocol(asio::ip::tcp::v4()));
    set_option(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    set_option(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY);
    socket.bind(asio::ip::tcp::endpoint(visit.source, 0));
    Stream stream(std::move(socket), new_session(visit.device));
    stream.expires_at(visit.until);
    const Stream::Socket::endpoint_type peer(address_);
    const auto [refused] = co_await stream.socket().async_connect(peer, kResult);
    throw_if(refused, "connecting");
    const auto [failed] = co_await stream.async_handshake(kResult);
    throw_if(failed, "TLS handshake");
    co_return stream;
}

}  // namespace securelogin::bench
