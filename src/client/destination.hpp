// destination.hpp: where to log in, as the command line says it: [USER@]HOST[:PORT].
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace securelogin::client {

inline constexpr std::uint16_t kDefaultPort = 9999;

struct Destination {
    std::optional<std::string> user;
    std::string host;  // a name in lower case, or an address in its shortest form and without brackets
    std::uint16_t port = kDefaultPort;
    bool is_address = false;  // host is an IPv4 or IPv6 address, not a name

    /// `host:port`, `[::1]:9999`: how known_hosts names it.
    [[nodiscard]] std::string host_and_port() const;
    /// For people: the port only where it is not the default, and the user where one was given.
    [[nodiscard]] std::string shown() const;
};

/// An IPv6 address stands in brackets; USER ends at the last @.
/// Throws Failure (usage) that says what is wrong and how it is written.
[[nodiscard]] Destination parse_destination(std::string_view text);

}  // namespace securelogin::client
