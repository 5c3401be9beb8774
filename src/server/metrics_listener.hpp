// metrics_listener.hpp: two pages over HTTP/1.1: `GET /metrics`, for Prometheus, and `GET /healthz`, for
// whoever restarts what is ill: 200 and `ok`, or 503 and what is wrong.
//
// No TLS and no authentication: for loopback addresses and Unix sockets.  Bounded: few connections at a time,
// one request each, of a few KiB, and a deadline over all of it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <functional>
#include <memory>
#include <string>

#include "common/stream.hpp"
#include "server/net/acceptor.hpp"
#include "server/net/endpoint.hpp"
#include "server/net/kept_going.hpp"

namespace securelogin {

class MetricsListener {
  public:
    struct Pages {
        std::function<std::string()> metrics;
        std::function<std::string()> trouble;  // a sentence; empty: there is none
    };

    /// Begins to accept.  `pages` are called on the context's threads, one call at a time.
    MetricsListener(boost::asio::io_context& io, net::ListeningSocket socket, Pages pages);
    /// REQUIRES: `io` runs no more.
    ~MetricsListener();
    MetricsListener(const MetricsListener&) = delete;
    MetricsListener& operator=(const MetricsListener&) = delete;

    /// As bound: a port that was 0 is the one taken.
    [[nodiscard]] std::string address() const;

  private:
    using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;

    /// A connection's; whoever destroys the coroutine gives it back.
    using Place = std::shared_ptr<const char>;

    [[nodiscard]] boost::asio::awaitable<void> accept_loop(net::KeptGoing::Token token);
    [[nodiscard]] boost::asio::awaitable<void> accept_one();
    void welcome(Stream::Socket socket) noexcept;
    [[nodiscard]] boost::asio::awaitable<void> serve(Stream stream, Place place);
    [[nodiscard]] boost::asio::awaitable<void> answer(Stream& stream);

    const net::Endpoint endpoint_;
    const Pages pages_;
    Strand strand_;  // runs all of it
    net::Acceptor acceptor_;
    boost::asio::steady_timer pause_;
    const Place places_ = std::make_shared<const char>();  // one more owner for each that is open
    net::KeptGoing accepting_;
};

}  // namespace securelogin
