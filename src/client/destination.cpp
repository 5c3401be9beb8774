#include "client/destination.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "client/failure.hpp"
#include "common/line.hpp"
#include "common/text.hpp"

namespace securelogin::client {
namespace {

constexpr std::size_t kHostLimit = 253;  // octets: RFC 1035, section 2.3.4

[[noreturn]] void refuse(std::string_view text, const std::string& why)
{
    throw Failure(ExitCode::usage, "reading the destination '" + printable(text) + "': " + why);
}

bool is_host_character(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

std::string lower_case(std::string_view text)
{
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

/// The shortest form of an address (RFC 5952), its zone kept; nothing when it is none of that family.
std::optional<std::string> canonical_address(int family, const std::string& text)
{
    const auto zone = text.find('%');
    std::array<unsigned char, sizeof(in6_addr)> address{};
    if (::inet_pton(family, text.substr(0, zone).c_str(), address.data()) != 1) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> shown{};
    if (::inet_ntop(family, address.data(), shown.data(), shown.size()) == nullptr) return std::nullopt;
    if (zone == std::string::npos) return shown.data();
    const auto zone_name = text.substr(zone + 1);
    if (zone_name.empty() || !std::ranges::all_of(lower_case(zone_name), is_host_character))
        return std::nullopt;
    return std::string(shown.data()) + '%' + zone_name;
}

std::uint16_t parse_port(std::string_view whole, std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
        refuse(whole, "a port is a number from 1 to 65535");
    }
    return port;
}

std::string parse_user(std::string_view whole, std::string_view user)
{
    if (user.empty()) refuse(whole, "no user name before the @");
    if (const auto error = check_line(user))
        refuse(whole, "the user name cannot be sent: " + std::string(describe(*error)));
    return std::string(user);
}

/// `[ADDRESS]` and what follows it.
std::string_view take_bracketed(std::string_view whole, std::string_view rest, Destination& destination)
{
    const auto end = rest.find(']');
    if (end == std::string_view::npos) refuse(whole, "the bracket is not closed; write [::1]:9999");
    const auto address = canonical_address(AF_INET6, std::string(rest.substr(1, end - 1)));
    if (!address) refuse(whole, "what stands in brackets is not an IPv6 address; write [::1]:9999");
    destination.host = *address;
    destination.is_address = true;
    return rest.substr(end + 1);
}

/// A name or an IPv4 address, and what follows it.
std::string_view take_host(std::string_view whole, std::string_view rest, Destination& destination)
{
    if (std::ranges::count(rest, ':') > 1)
        refuse(whole, "an IPv6 address stands in brackets; write [::1]:9999");
    const auto host = rest.substr(0, rest.find(':'));
    if (host.empty()) refuse(whole, "no host; write [USER@]HOST[:PORT]");
    destination.host = lower_case(host);
    if (host.size() > kHostLimit || host.front() == '-' ||
        !std::ranges::all_of(destination.host, is_host_character)) {
        refuse(whole, "not a host name or address; an international name is written in its xn-- form");
    }
    destination.is_address = canonical_address(AF_INET, destination.host).has_value();
    return rest.substr(host.size());
}

}  // namespace

std::string Destination::host_and_port() const
{
    const bool brackets = host.find(':') != std::string::npos;
    return (brackets ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::string Destination::shown() const
{
    const auto where = port == kDefaultPort ? host : host_and_port();
    return user ? *user + '@' + where : where;
}

Destination parse_destination(std::string_view text)
{
    Destination destination;
    auto rest = text;
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        destination.user = parse_user(text, text.substr(0, at));
        rest = text.substr(at + 1);
    }
    rest =
        rest.starts_with('[') ? take_bracketed(text, rest, destination) : take_host(text, rest, destination);
    if (rest.empty()) return destination;
    if (rest.front() != ':') refuse(text, "only :PORT may follow the host");
    destination.port = parse_port(text, rest.substr(1));
    return destination;
}

}  // namespace securelogin::client
