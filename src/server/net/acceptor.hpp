// acceptor.hpp: a socket that is bound and listens.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <utility>

#include "server/net/endpoint.hpp"

namespace securelogin::net {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

/// A Unix socket gets mode 0660, in the place of one that a killed server has left behind; whoever opens one
/// removes it in the end.  Throws std::runtime_error that names the address, why, and the remedy.
[[nodiscard]] Acceptor open_acceptor(const boost::asio::any_io_executor& executor, const Endpoint& endpoint);

/// The same, before there is anybody to accept: a port that takes a right to bind is bound before the right
/// is given up.  What nobody takes over is closed, and a Unix socket removed.
class ListeningSocket {
  public:
    /// Throws as open_acceptor() does.
    explicit ListeningSocket(Endpoint endpoint);
    ListeningSocket(ListeningSocket&& other) noexcept
        : endpoint_(std::move(other.endpoint_)), descriptor_(std::exchange(other.descriptor_, -1))
    {
    }
    ListeningSocket& operator=(ListeningSocket&&) = delete;
    ~ListeningSocket();

    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    /// From now on it is the acceptor's.  Once.
    [[nodiscard]] Acceptor take_over(const boost::asio::any_io_executor& executor);

  private:
    Endpoint endpoint_;
    int descriptor_;
};

}  // namespace securelogin::net
