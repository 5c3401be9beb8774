// door.hpp: a Unix socket on which other programs of this host ask whose token it is that they have been
// shown.
//
// docs/administration.md, "Tokens", is its specification.  A door beside login/, to the same auth/: it knows
// no passwords and opens no session.  Who may ask is settled by the socket's mode (0660) and its directory.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/event_log.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/store.hpp"
#include "server/net/acceptor.hpp"
#include "server/net/endpoint.hpp"
#include "server/net/kept_going.hpp"
#include "server/verify/limits.hpp"
#include "server/verify/worker.hpp"

namespace securelogin::verify {

class Door {
  public:
    struct Size {
        std::size_t threads;
        std::size_t remembered;  // tokens; nought: each is looked up
    };

    /// Begins to answer, on threads of its own.  The references must outlive this.  REQUIRES: threads > 0,
    /// and a Unix socket.  Throws auth::StoreError.
    Door(net::ListeningSocket socket, const Size& size, auth::Store& store, const auth::Clock& clock,
         EventLog& log, const Terms& terms);
    /// Ends all connections, and removes the socket.
    ~Door();
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;

    /// `unix:PATH`
    [[nodiscard]] std::string address() const { return net::to_string(endpoint_.address); }
    /// Any thread.
    void set_terms(const Terms& terms);

  private:
    [[nodiscard]] boost::asio::awaitable<void> accept_loop(net::KeptGoing::Token token);
    [[nodiscard]] boost::asio::awaitable<void> pause();
    void hand_over(boost::asio::generic::stream_protocol::socket socket);

    const net::Endpoint endpoint_;
    const std::unique_ptr<auth::TokenMemory> memory_;
    std::atomic<std::size_t> open_ = 0;  // connections
    std::vector<std::unique_ptr<Worker>> workers_;
    std::size_t next_ = 0;    // whose turn it is
    net::Acceptor acceptor_;  // on the first worker's thread, as is all below
    boost::asio::steady_timer pause_;
    std::optional<net::KeptGoing> accepting_;
};

}  // namespace securelogin::verify
