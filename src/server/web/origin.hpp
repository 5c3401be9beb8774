// origin.hpp: scheme, host and port (RFC 6454), in the one spelling that browsers use.
//
// Whoever names an origin here may be sent a password there, or a browser: what two programs could read as
// two hosts is none.  Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace securelogin::web {

struct Origin {
    std::string scheme;      // https; http for loopback hosts only
    std::string host;        // lower case, numeric addresses in their shortest form, IPv6 in brackets
    std::uint16_t port = 0;  // never 0 in what parse() and of() give

    /// Nothing for what is no origin, or one that is reached in clear: `http` is for localhost, names below
    /// it, 127.0.0.0/8 and [::1].  No path, no user information, no dot at the end; upper case is folded,
    /// the scheme's own port may be given.
    [[nodiscard]] static std::optional<Origin> parse(std::string_view text);

    /// The same of a scheme and what a Host header holds: `host` or `host:port`.
    [[nodiscard]] static std::optional<Origin> of(std::string_view scheme, std::string_view authority);

    /// `https://app.example.com`, `https://[::1]:8443`: the scheme's own port is left out.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Origin&, const Origin&) = default;
};

/// A host as it stands in an origin; nothing for what is none.  An address has brackets if it is IPv6.
[[nodiscard]] std::optional<std::string> canonical_host(std::string_view text);

}  // namespace securelogin::web
