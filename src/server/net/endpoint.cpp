#include "server/net/endpoint.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace securelogin::net {
namespace asio = boost::asio;
namespace {

using Generic = asio::generic::stream_protocol;

constexpr std::string_view kUnix = "unix:";

[[noreturn]] void refuse(std::string_view text, std::string_view why)
{
    throw std::invalid_argument("'" + std::string(text) + "': " + std::string(why));
}

std::uint16_t parse_port(std::string_view text, std::string_view port)
{
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size())
        refuse(text, "the port is a number from 0 to 65535");
    return number;
}

asio::ip::tcp::endpoint parse_ip(std::string_view text)
{
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos)
        refuse(text, "write ADDRESS:PORT, as in 127.0.0.1:9999 or [::1]:9999");
    auto host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    const auto address = asio::ip::make_address(std::string(host), error);
    if (error) refuse(text, "the address is numeric, as in 127.0.0.1, 0.0.0.0 or [::]");
    if (address.is_v6() != bracketed)
        refuse(text, "an IPv6 address, and no other, stands in brackets, as in [::1]:9999");
    return {address, parse_port(text, text.substr(colon + 1))};
}

Endpoint parse_unix(std::string_view text)
{
    const std::filesystem::path path(text.substr(kUnix.size()));
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    if (path.empty() || path.native().size() > longest) {
        refuse(text, "the path of a Unix socket has 1 to " + std::to_string(longest) + " characters");
    }
    return {.address = Generic::endpoint(asio::local::stream_protocol::endpoint(path.native())),
            .tls = false,
            .unix_path = path};
}

asio::ip::tcp::endpoint to_ip(const Generic::endpoint& address)
{
    asio::ip::tcp::endpoint ip;
    ip.resize(address.size());
    std::memcpy(ip.data(), address.data(), address.size());
    return ip;
}

bool is_ip(const Generic::endpoint& address)
{
    const auto family = address.protocol().family();
    return family == AF_INET || family == AF_INET6;
}

}  // namespace

Endpoint parse_tls_endpoint(std::string_view text)
{
    if (text.starts_with(kUnix)) refuse(text, "a Unix socket is served in clear: use --listen-plain");
    return {.address = Generic::endpoint(parse_ip(text)), .tls = true};
}

Endpoint parse_plain_endpoint(std::string_view text)
{
    if (text.starts_with(kUnix)) return parse_unix(text);
    const auto ip = parse_ip(text);
    if (!ip.address().is_loopback()) {
        refuse(text, "passwords in clear are for loopback addresses and Unix sockets only: use --listen");
    }
    return {.address = Generic::endpoint(ip), .tls = false};
}

std::string to_string(const Generic::endpoint& address)
{
    if (is_ip(address)) {
        const auto ip = to_ip(address);
        const auto host = ip.address().to_string();
        return (ip.address().is_v6() ? '[' + host + ']' : host) + ':' + std::to_string(ip.port());
    }
    asio::local::stream_protocol::endpoint local;
    std::memcpy(local.data(), address.data(), address.size());
    local.resize(address.size());  // looks at the path's last character
    return std::string(kUnix) + local.path();
}

auth::Source source_of(const Generic::endpoint& address)
{
    return auth::Source::from_address(is_ip(address) ? to_ip(address).address().to_string() : "local");
}

}  // namespace securelogin::net
