#include "server/web/origin.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "server/auth/user_name.hpp"

namespace securelogin::web {
namespace {

constexpr std::size_t kLongestHost = 253;  // octets (RFC 1035 section 2.3.4)
constexpr std::size_t kLongestLabel = 63;  // octets
constexpr std::uint16_t kHttps = 443;
constexpr std::uint16_t kHttp = 80;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_label(std::string_view label)
{
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
    };
    return !label.empty() && label.size() <= kLongestLabel && std::ranges::all_of(label, is_allowed) &&
           label.front() != '-' && label.back() != '-';
}

bool is_ipv4(const std::string& text)
{
    in_addr address{};
    return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

/// Browsers take a name whose last label is a number for an address: `127.1`, `0x7f.1` (WHATWG URL,
/// "ends in a number").
bool ends_in_number(std::string_view host)
{
    const auto last = host.substr(host.rfind('.') + 1);
    return std::ranges::all_of(last, is_digit) || last.starts_with("0x");
}

std::optional<std::string> canonical_ipv6(const std::string& text)
{
    in6_addr address{};
    std::array<char, INET6_ADDRSTRLEN> spelled{};
    if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
    if (inet_ntop(AF_INET6, &address, spelled.data(), spelled.size()) == nullptr) return std::nullopt;
    return std::string("[") + spelled.data() + "]";
}

bool is_loopback(std::string_view host)
{
    return host == "localhost" || host.ends_with(".localhost") || host == "[::1]" ||
           (host.starts_with("127.") && ends_in_number(host));
}

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || text.front() == '0') return std::nullopt;
    return port;
}

std::uint16_t own_port(std::string_view scheme) { return scheme == "https" ? kHttps : kHttp; }

}  // namespace

std::optional<std::string> canonical_host(std::string_view text)
{
    if (text.empty() || text.size() > kLongestHost || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    auto host = auth::fold_case(text);
    if (host.starts_with('[')) {
        if (!host.ends_with(']')) return std::nullopt;
        return canonical_ipv6(host.substr(1, host.size() - 2));
    }
    for (std::string_view rest = host;;) {
        const auto dot = rest.find('.');
        if (!is_label(rest.substr(0, dot))) return std::nullopt;
        if (dot == std::string_view::npos) break;
        rest.remove_prefix(dot + 1);
    }
    if (ends_in_number(host) && !is_ipv4(host)) return std::nullopt;
    return host;
}

std::optional<Origin> Origin::of(std::string_view scheme, std::string_view authority)
{
    Origin origin{.scheme = auth::fold_case(scheme), .host = {}};
    if (origin.scheme != "https" && origin.scheme != "http") return std::nullopt;
    const auto colon = authority.rfind(':');
    const bool has_port = colon != std::string_view::npos && !authority.ends_with(']');
    const auto host = canonical_host(authority.substr(0, has_port ? colon : authority.size()));
    const auto port = has_port ? parse_port(authority.substr(colon + 1)) : own_port(origin.scheme);
    if (!host || !port) return std::nullopt;
    if (origin.scheme == "http" && !is_loopback(*host)) return std::nullopt;
    origin.host = *host;
    origin.port = *port;
    return origin;
}

std::optional<Origin> Origin::parse(std::string_view text)
{
    constexpr std::string_view between = "://";
    const auto end = text.find(between);
    if (end == std::string_view::npos) return std::nullopt;
    return of(text.substr(0, end), text.substr(end + between.size()));
}

std::string Origin::text() const
{
    auto text = scheme + "://" + host;
    if (port != own_port(scheme)) text += ":" + std::to_string(port);
    return text;
}

}  // namespace securelogin::web
