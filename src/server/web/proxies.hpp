// proxies.hpp: whose forwarded headers are believed, and who is behind them.
//
// A forwarded address is what budgets are charged to and what the log shows: from anybody but a proxy of the
// operator's it is a wish.  Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/source.hpp"

namespace securelogin::web {

/// Of an address; IPv4 as ::ffff:0:0/96.
using Octets = std::array<std::uint8_t, 16>;

/// The addresses that share a prefix (CIDR, RFC 4632 and RFC 4291 section 2.3).
class Network {
  public:
    /// `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.  Nothing for what is none: names, bits behind the prefix,
    /// a prefix of length 0, which would be everybody.
    [[nodiscard]] static std::optional<Network> parse(std::string_view text);

    /// `address` as auth::Source::address() spells it.
    [[nodiscard]] bool contains(std::string_view address) const;
    [[nodiscard]] bool contains(const Octets& address) const;

  private:
    Network(const Octets& prefix, unsigned bits) : prefix_(prefix), bits_(bits) {}
    Octets prefix_;
    unsigned bits_;
};

/// The one entry of `web.proxies` that is no network: whoever comes over a Unix socket.
inline constexpr std::string_view kUnixProxy = "unix";

class Proxies {
  public:
    Proxies() = default;  // nobody
    /// REQUIRES: each is kUnixProxy or a network; what is neither trusts nobody.
    explicit Proxies(std::span<const std::string> entries);

    [[nodiscard]] bool trusts(const auth::Source& peer) const;

    /// Whom to charge for a request that came from `peer` with these X-Forwarded-For headers, one entry for
    /// each: `peer` itself unless it is a proxy; else the rightmost address that is no proxy, or the leftmost
    /// where all are.  Nothing where that cannot be told: no header, more than one, an address on the way
    /// that is none.  Whoever gets nothing is refused; charging the proxy would lock everybody out.
    [[nodiscard]] std::optional<auth::Source> source_of(
        const auth::Source& peer, std::span<const std::string_view> forwarded_for) const;

    /// What source_of() goes by, where the peer is a proxy.
    [[nodiscard]] std::optional<std::string_view> forwarded_address(
        std::span<const std::string_view> forwarded_for) const;

  private:
    [[nodiscard]] bool holds(const Octets& address) const;

    std::vector<Network> networks_;
    bool unix_ = false;
};

}  // namespace securelogin::web
