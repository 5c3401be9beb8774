#include "server/web/proxies.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <ranges>

namespace securelogin::web {
namespace {

constexpr unsigned kIpv6Bits = 128;
constexpr unsigned kMappedBits = 96;          // before the IPv4 address in ::ffff:0:0/96
constexpr std::string_view kLocal = "local";  // auth::Source::address() of a Unix socket

struct Address {
    Octets octets{};
    bool ipv4 = false;
};

std::optional<Address> parse_address(std::string_view text)
{
    Address address;
    std::array<char, INET6_ADDRSTRLEN> ended{};
    if (text.size() >= ended.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::ranges::copy(text, ended.begin());
    if (text.find(':') != std::string_view::npos) {
        if (inet_pton(AF_INET6, ended.data(), address.octets.data()) != 1) return std::nullopt;
        return address;
    }
    address.octets[10] = address.octets[11] = 0xff;
    address.ipv4 = true;
    if (inet_pton(AF_INET, ended.data(), &address.octets[12]) != 1) return std::nullopt;
    return address;
}

/// Whether the first `bits` bits are the same.
bool share_prefix(const Octets& left, const Octets& right, unsigned bits)
{
    const auto whole = static_cast<std::ptrdiff_t>(bits / 8);
    if (!std::equal(left.begin(), left.begin() + whole, right.begin())) return false;
    if (bits % 8 == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> (bits % 8));
    const auto at = static_cast<std::size_t>(whole);
    return (left[at] & mask) == (right[at] & mask);
}

bool is_zero_behind(const Octets& octets, unsigned bits)
{
    for (auto bit = bits; bit < kIpv6Bits; ++bit) {
        if ((octets[bit / 8] & (0x80U >> (bit % 8))) != 0) return false;
    }
    return true;
}

std::optional<unsigned> parse_bits(std::string_view text, unsigned most)
{
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
    if (error != std::errc{} || end != text.data() + text.size() || text.front() == '0') return std::nullopt;
    return bits <= most ? std::optional(bits) : std::nullopt;
}

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view blanks = " \t";
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

}  // namespace

std::optional<Network> Network::parse(std::string_view text)
{
    const auto slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    const auto before = address->ipv4 ? kMappedBits : 0U;
    if (slash == std::string_view::npos) return Network(address->octets, kIpv6Bits);
    const auto bits = parse_bits(text.substr(slash + 1), kIpv6Bits - before);
    if (!bits || !is_zero_behind(address->octets, before + *bits)) return std::nullopt;
    return Network(address->octets, before + *bits);
}

bool Network::contains(std::string_view address) const
{
    const auto parsed = parse_address(address);
    return parsed && contains(parsed->octets);
}

bool Network::contains(const Octets& address) const { return share_prefix(prefix_, address, bits_); }

Proxies::Proxies(std::span<const std::string> entries)
{
    for (const auto& entry : entries) {
        if (entry == kUnixProxy) unix_ = true;
        if (const auto network = Network::parse(entry)) networks_.push_back(*network);
    }
}

bool Proxies::trusts(const auth::Source& peer) const
{
    if (peer.address() == kLocal) return unix_;
    const auto address = parse_address(peer.address());
    return address && holds(address->octets);
}

bool Proxies::holds(const Octets& address) const
{
    return std::ranges::any_of(networks_, [&](const auto& network) { return network.contains(address); });
}

std::optional<auth::Source> Proxies::source_of(const auth::Source& peer,
                                               std::span<const std::string_view> forwarded_for) const
{
    if (!trusts(peer)) return peer;
    const auto address = forwarded_address(forwarded_for);
    if (!address) return std::nullopt;
    return auth::Source::from_address(*address);
}

std::optional<std::string_view> Proxies::forwarded_address(
    std::span<const std::string_view> forwarded_for) const
{
    if (forwarded_for.size() != 1) return std::nullopt;
    // What stands to the left of the first that is no proxy is what that one said of itself.
    for (auto rest = forwarded_for.front();;) {
        const auto comma = rest.rfind(',');
        const auto entry = trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
        const auto address = parse_address(entry);
        if (!address) return std::nullopt;
        if (comma == std::string_view::npos || !holds(address->octets)) return entry;
        rest = rest.substr(0, comma);
    }
}

}  // namespace securelogin::web
