// connection.hpp: one program that asks whose tokens it has been shown: a line in, a line of JSON out.
//
// Answers in order, as many as come; reads no more than one buffer ahead, and nothing while answers wait to
// be taken.  Callbacks rather than a coroutine: an answer costs less than a frame would.  Lives as long as
// something of it is under way; on its worker's thread alone.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "server/verify/questions.hpp"

namespace securelogin::verify {

class Worker;

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Socket = boost::asio::basic_stream_socket<boost::asio::local::stream_protocol,
                                                    boost::asio::io_context::executor_type>;

    /// The worker must outlive this.
    Connection(Socket socket, Worker& worker);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void read();
    // The steps of a round.  REQUIRES: nothing of it is under way.

    /// Puts to the worker what has come.
    void ask();
    /// Sends the answers.
    void send();
    /// To the next question, since its answers have been taken.
    void go_on();
    /// What is under way ends.
    void close() noexcept;
    /// When it was opened, or its answers were taken last: somebody who sends an octet now and then, or takes
    /// no answers, is idle.
    [[nodiscard]] std::chrono::steady_clock::time_point last_active() const noexcept { return last_active_; }

  private:
    void write();

    Socket socket_;
    Worker& worker_;
    Questions questions_;
    std::string unsent_;
    std::chrono::steady_clock::time_point last_active_;
    bool closing_ = false;  // once unsent_ has been taken
};

}  // namespace securelogin::verify
