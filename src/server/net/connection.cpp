#include "server/net/connection.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <utility>

#include "server/login/conversation.hpp"
#include "server/net/device_certificate.hpp"

namespace securelogin::net {
namespace asio = boost::asio;
namespace {

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kGoodbye{5};  // for the last reply to go out and the peer to close

}  // namespace

Connection::Connection(Stream stream, std::optional<Slots::Slot> slot, auth::Source source, std::uint64_t id,
                       std::shared_ptr<const Service> service)
    : stream_(std::move(stream)),
      slot_(std::move(slot)),
      source_(std::move(source)),
      id_(id),
      service_(std::move(service))
{
}

asio::awaitable<void> Connection::serve(Handshakes* handshakes)
{
    bool ready = handshakes == nullptr;
    if (!ready) ready = co_await handshake_in_turn(*handshakes);
    if (ready) {
        login_deadline_ = Clock::now() + service_->deadlines.login;
        co_await converse();
        co_await finish(kGoodbye);
    }
    boost::system::error_code ignored;
    stream_.socket().close(ignored);
    slot_.reset();
}

asio::awaitable<void> Connection::turn_away(std::chrono::seconds patience)
{
    stream_.expires_at(Clock::now() + patience);
    const auto error = co_await handshake();
    if (log_failed(error)) co_return;
    say({.code = code::kClosing, .text = "Too many connections"});
    co_await finish(patience);
}

void Connection::shut_down()
{
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
        self->draining_ = true;
        // A reply that is on its way is let go out.
        if (self->waiting_) self->stream_.cancel();
        if (self->turn_awaited_) self->turn_awaited_->cancel();
    });
}

/// Who has sent nothing yet has cost nothing yet: no place, and no memory of OpenSSL's.
asio::awaitable<bool> Connection::handshake_in_turn(Handshakes& handshakes)
{
    const auto deadline = Clock::now() + service_->deadlines.handshake;
    stream_.expires_at(deadline);
    waiting_ = true;
    auto [error] = co_await stream_.async_wait_readable(kResult);
    if (!error) error = co_await await_turn(handshakes, deadline);
    if (!error) error = co_await handshake();
    waiting_ = false;
    turn_.reset();
    co_return !log_failed(error);
}

asio::awaitable<boost::system::error_code> Connection::await_turn(Handshakes& handshakes,
                                                                  Clock::time_point deadline)
{
    boost::system::error_code none;
    try {
        turn_awaited_.emplace(stream_.get_executor(), deadline);
        turn_.emplace(handshakes.ask(source_, notices_of_turn()));
    } catch (const std::exception&) {
        co_return asio::error::make_error_code(asio::error::no_memory);
    }
    // The notice comes on this strand, and so not before the wait has begun.
    while (turn_->is_waiting() && !draining_ && Clock::now() < deadline) {
        turn_awaited_->expires_at(std::min(deadline, Clock::now() + Handshakes::kTenure));
        [[maybe_unused]] const auto waited = co_await turn_awaited_->async_wait(kResult);
        turn_->insist(Clock::now());
    }
    turn_awaited_.reset();
    if (turn_->has_come()) co_return none;
    co_return draining_ ? asio::error::operation_aborted : asio::error::timed_out;
}

/// Each is called by another connection, on whatever thread that is on.
Handshakes::Notices Connection::notices_of_turn()
{
    const auto tell = [](const std::weak_ptr<Connection>& weak, void (*what)(Connection&)) noexcept {
        try {
            const auto self = weak.lock();
            if (self) asio::post(self->executor(), [self, what] { what(*self); });
        } catch (const std::exception&) {
            return;  // out of memory: the deadline ends it
        }
    };
    const std::weak_ptr<Connection> weak = weak_from_this();
    return {.granted =
                [tell, weak] {
                    tell(weak, [](Connection& self) {
                        if (self.turn_awaited_) self.turn_awaited_->cancel();
                    });
                },
            .displaced =
                [tell, weak] {
                    tell(weak, [](Connection& self) {
                        if (self.turn_) self.stream_.cancel();
                    });
                }};
}

asio::awaitable<boost::system::error_code> Connection::handshake()
{
    try {
        stream_.secure(accept_side(*service_->tls));
    } catch (const std::exception&) {
        co_return asio::error::make_error_code(asio::error::no_memory);
    }
    const auto [error] = co_await stream_.async_handshake(kResult);
    co_return error;
}

bool Connection::log_failed(const boost::system::error_code& error) const
{
    if (!error) return false;
    service_->log.write(
        Level::debug, "handshake_failed",
        {{"source", source_.address()}, {"connection", std::to_string(id_)}, {"error", error.message()}});
    return true;
}

/// The only catch: denies.
asio::awaitable<void> Connection::converse()
{
    try {
        if (stream_.ssl() != nullptr) device_ = device_of(*stream_.ssl());
        const login::Setting setting{
            .server_name = service_->name, .authenticator = service_->authenticator, .log = service_->log};
        co_await login::converse(*this, setting);
    } catch (const login::PeerLeft&) {
        unsent_.clear();
    } catch (const login::TimedOut&) {
        say({.code = code::kClosing, .text = "Timeout"});
    } catch (const login::ShuttingDown&) {
        say({.code = code::kClosing, .text = "Shutting down"});
    } catch (const login::MalformedLine& error) {
        say({.code = code::kMalformedLine, .text = error.what()});
    } catch (const std::exception& error) {
        service_->log.write(
            Level::error, "conversation_failed",
            {{"source", source_.address()}, {"connection", std::to_string(id_)}, {"error", error.what()}});
        unsent_.clear();
        say({.code = code::kClosing, .text = "Temporary failure, try again later"});
    }
}

asio::awaitable<Secret> Connection::answer(Patience patience)
{
    const auto deadline = deadline_for(patience);
    stream_.expires_at(deadline);
    co_await flush();
    for (;;) {
        auto next = lines_.next();
        if (next.error) throw login::MalformedLine(*next.error);
        if (next.line) co_return std::move(*next.line);
        if (draining_) throw login::ShuttingDown();
        co_await receive();
    }
}

asio::awaitable<void> Connection::receive()
{
    waiting_ = true;
    const auto [unreadable] = co_await stream_.async_wait_readable(kResult);
    waiting_ = false;
    if (unreadable) give_up(unreadable);
    const auto space = lines_.space();
    const auto buffer = asio::buffer(space.data(), space.size());
    const auto [error, count] = co_await stream_.async_read_some(buffer, kResult);
    if (error) give_up(error);
    lines_.received(count);
}

asio::awaitable<void> Connection::flush()
{
    if (unsent_.empty()) co_return;
    const auto buffer = asio::buffer(unsent_);
    const auto [error, count] = co_await asio::async_write(stream_, buffer, kResult);
    wipe(unsent_);                // a token, perhaps
    std::string().swap(unsent_);  // an idle connection keeps no buffer
    if (error) give_up(error);
}

asio::awaitable<void> Connection::finish(std::chrono::seconds patience)
{
    stream_.expires_at(Clock::now() + patience);
    try {
        co_await flush();
    } catch (const std::exception&) {
        co_return;  // nobody is left to be told
    }
    waiting_ = true;
    [[maybe_unused]] const auto ended = co_await stream_.async_close(kResult);
    waiting_ = false;
}

Connection::Clock::time_point Connection::deadline_for(Patience patience) const
{
    const auto& deadlines = service_->deadlines;
    const auto own = Clock::now() + (patience == Patience::idle ? deadlines.idle : deadlines.answer);
    return login_deadline_ ? std::min(own, *login_deadline_) : own;
}

void Connection::give_up(const boost::system::error_code& error) const
{
    if (error == asio::error::timed_out) throw login::TimedOut();
    if (error == asio::error::operation_aborted && draining_) throw login::ShuttingDown();
    throw login::PeerLeft();
}

}  // namespace securelogin::net
