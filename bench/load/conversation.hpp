// conversation.hpp: one connection to the server, driven line by line.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/stream.hpp"

namespace securelogin::bench {

/// The server answered something else than what a benchmark that goes well is answered.
class Unexpected : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// What a client that goes by the digits needs of a reply.
struct Answer {
    int code = 0;
    std::chrono::seconds retry_after{0};  // where the server says so
    std::string last;                     // line, for messages
};

class Conversation {
  public:
    explicit Conversation(Stream stream) : stream_(std::move(stream)) {}

    /// Reads one reply, whatever it is.  Throws Unexpected when there is none, boost::system::system_error.
    [[nodiscard]] boost::asio::awaitable<Answer> next();
    /// Reads one reply.  Throws Unexpected when its digits are not `code`, boost::system::system_error.
    [[nodiscard]] boost::asio::awaitable<void> expect(int code);
    /// Sends one line, or several with CR LF between them.  Throws boost::system::system_error.
    [[nodiscard]] boost::asio::awaitable<void> send(std::string line);
    /// Reads until the server has closed.  Throws Unexpected when it says more.
    [[nodiscard]] boost::asio::awaitable<void> expect_end();

  private:
    [[nodiscard]] boost::asio::awaitable<bool> receive();

    Stream stream_;
    std::string received_;
};

}  // namespace securelogin::bench
