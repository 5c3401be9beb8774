// endpoint.hpp: where the server listens, as the operator writes it.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "server/auth/source.hpp"

namespace securelogin::net {

struct Endpoint {
    boost::asio::generic::stream_protocol::endpoint address;
    bool tls;
    std::optional<std::filesystem::path> unix_path = {};
};

/// `ADDR:PORT` or `[ADDR]:PORT`, numeric; port 0 takes a free one.  Throws std::invalid_argument with the
/// remedy.
[[nodiscard]] Endpoint parse_tls_endpoint(std::string_view text);
/// The same for loopback addresses only, or `unix:PATH`.  Throws std::invalid_argument with the remedy.
[[nodiscard]] Endpoint parse_plain_endpoint(std::string_view text);

/// `127.0.0.1:9999`, `[::1]:9999`, `unix:PATH`.
[[nodiscard]] std::string to_string(const boost::asio::generic::stream_protocol::endpoint& address);

/// The source that a peer at `address` counts as.
[[nodiscard]] auth::Source source_of(const boost::asio::generic::stream_protocol::endpoint& address);

}  // namespace securelogin::net
