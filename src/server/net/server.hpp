// server.hpp: the listeners and every connection that came through them.
//
// Counts before it serves (gate.hpp): a connection that comes too fast or has no slot costs an accept and a
// close.  An accept loop outlives a shortage of descriptors: it sheds one connection, waits, and goes on.
//
// All members from any thread, unless said otherwise.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/event_log.hpp"
#include "server/net/acceptor.hpp"
#include "server/net/door.hpp"
#include "server/net/endpoint.hpp"
#include "server/net/gate.hpp"
#include "server/net/kept_going.hpp"

namespace securelogin::net {

class Server {
  public:
    struct Listening {
        std::string address;  // as bound: a port that was 0 is the one taken
        bool tls;
    };

    /// `gate` must outlive `io`, and `io` this: connections that are still open when `io` ends give back then
    /// what they have of it.
    Server(boost::asio::io_context& io, Gate& gate, EventLog& log);
    /// REQUIRES: `io` runs no more.
    ~Server();

    /// Begins to accept who comes through `door`, which must outlive `io`.  Before the io_context runs.
    Listening listen(ListeningSocket socket, Door& door);

    /// Stops accepting and ends every conversation at its next question.  `drained` is called once, when the
    /// last connection has gone or when `patience` is over, on one of the io_context's threads.
    void drain(std::chrono::seconds patience, std::function<void()> drained);

  private:
    struct Listener;

    [[nodiscard]] boost::asio::awaitable<void> accept_loop(Listener& listener, KeptGoing::Token token);
    [[nodiscard]] boost::asio::awaitable<void> recover_from(const boost::system::error_code& error,
                                                            Listener& listener);
    void welcome(Stream::Socket socket, Listener& listener);
    void turn_away(Stream::Socket socket, Listener& listener, auth::Source source, std::string_view why);
    void start(const std::shared_ptr<Visitor>& visitor, bool tls);
    void forget(std::uint64_t id);
    void await_drained(std::chrono::seconds patience);

    boost::asio::io_context& io_;
    EventLog& log_;
    Gate& gate_;
    std::list<Listener> listeners_;
    boost::asio::steady_timer drain_deadline_;  // on a strand of its own

    std::mutex mutex_;  // guards all below
    std::unordered_map<std::uint64_t, std::weak_ptr<Visitor>> open_;
    std::uint64_t next_id_ = 1;
    bool draining_ = false;
    std::function<void()> drained_;
    std::chrono::steady_clock::time_point courtesy_from_;
    int courtesies_ = 0;
};

}  // namespace securelogin::net
