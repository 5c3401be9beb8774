// acceptor.hpp: a socket that is bound and listens.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "server/net/endpoint.hpp"

namespace securelogin::net {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

/// A Unix socket gets mode 0660, in the place of one that a killed server has left behind; whoever opens one
/// removes it in the end.  Throws std::runtime_error that names the address, why, and the remedy.
[[nodiscard]] Acceptor open_acceptor(const boost::asio::any_io_executor& executor, const Endpoint& endpoint);

}  // namespace securelogin::net
