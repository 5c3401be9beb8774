#include "server/verify/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "server/token_answer.hpp"
#include "server/verify/worker.hpp"

namespace securelogin::verify {
namespace asio = boost::asio;
namespace {

/// Questions that are answered at once; the next wait.
constexpr std::size_t kMostAtOnce = 32;

}  // namespace

Connection::Connection(Socket socket, Worker& worker)
    : socket_(std::move(socket)), worker_(worker), last_active_(worker.now())
{
    worker_.enter(*this);
}

Connection::~Connection() { worker_.leave(*this); }

void Connection::read()
{
    const auto space = questions_.space();
    socket_.async_read_some(
        asio::buffer(space.data(), space.size()),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t count) {
            if (error) return;  // the peer has left, or we close
            self->questions_.received(count);
            self->worker_.answer_soon(self);
        });
}

void Connection::ask()
{
    for (std::size_t asked = 0; asked < kMostAtOnce; ++asked) {
        const auto question = questions_.next();
        if (!question) return;
        worker_.inquire(*question, unsent_);
    }
}

void Connection::send()
{
    if (questions_.too_long()) {
        append_refusal(unsent_, "the line is too long");
        unsent_ += '\n';
        closing_ = true;
    }
    unsent_.empty() ? read() : write();
}

/// At once, mostly: who asks reads the answers, and the socket has room for them.
void Connection::write()
{
    boost::system::error_code failed;
    const auto sent = socket_.write_some(asio::buffer(unsent_), failed);
    if (failed && failed != asio::error::would_block) return;  // the peer has left
    if (sent == unsent_.size()) return worker_.go_on_soon(shared_from_this());
    unsent_.erase(0, sent);
    asio::async_write(socket_, asio::buffer(unsent_),
                      [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                          if (!error) self->go_on();
                      });
}

void Connection::go_on()
{
    if (closing_) return;
    unsent_.clear();
    last_active_ = worker_.now();
    if (questions_.empty()) return read();
    worker_.answer_soon(shared_from_this());  // what is left of what has been read
}

void Connection::close() noexcept
{
    boost::system::error_code ignored;
    socket_.close(ignored);
}

}  // namespace securelogin::verify
