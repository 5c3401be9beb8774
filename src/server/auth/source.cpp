#include "server/auth/source.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace securelogin::auth {
namespace {

constexpr std::string_view kLocal = "local";
constexpr std::ptrdiff_t kNetworkSize = 8;     // bytes of a /64
constexpr std::ptrdiff_t kSiteSize = 6;        // bytes of a /48
constexpr std::size_t kMappedPrefixSize = 12;  // bytes before the IPv4 address in ::ffff:0:0/96

/// inet_pton would stop at a NUL and take what stands before it for the whole.
bool parse(int family, std::string_view text, void* address)
{
    return text.find('\0') == std::string_view::npos &&
           inet_pton(family, std::string(text).c_str(), address) == 1;
}

/// The one spelling of an address (RFC 5952).
std::string spell(int family, const void* address)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(family, address, text.data(), text.size()) != nullptr ? text.data()
                                                                           : std::string(kLocal);
}

/// The network of the first `size` bytes.
std::string spell_network(in6_addr address, std::ptrdiff_t size)
{
    std::fill(std::begin(address.s6_addr) + size, std::end(address.s6_addr), std::uint8_t{0});
    return spell(AF_INET6, &address) + "/" + std::to_string(size * 8);
}

}  // namespace

Source Source::from_address(std::string_view address)
{
    in_addr ipv4{};
    if (parse(AF_INET, address, &ipv4)) {
        const auto text = spell(AF_INET, &ipv4);
        return {text, text};
    }
    in6_addr ipv6{};
    if (!parse(AF_INET6, address.substr(0, address.find('%')), &ipv6)) {
        return {std::string(kLocal), std::string(kLocal)};
    }
    if (IN6_IS_ADDR_V4MAPPED(&ipv6)) {
        const auto text = spell(AF_INET, &ipv6.s6_addr[kMappedPrefixSize]);
        return {text, text};
    }
    return {spell(AF_INET6, &ipv6), spell_network(ipv6, kNetworkSize), spell_network(ipv6, kSiteSize)};
}

Source Source::of_device(std::string_view fingerprint)
{
    return {"device", "device:" + std::string(fingerprint)};
}

Source Source::of_network(const Source& source) { return {source.address_, source.network_}; }

}  // namespace securelogin::auth
