#include "server/net/connection.hpp"

#include <algorithm>
#include <boost/asio/write.hpp>
#include <exception>
#include <utility>

#include "common/result_token.hpp"
#include "server/login/conversation.hpp"
#include "server/net/device_certificate.hpp"

namespace securelogin::net {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kGoodbye{5};  // for the last reply to go out and the peer to close

}  // namespace

Connection::Connection(Entry entry, std::shared_ptr<const Service> service)
    : Visitor(std::move(entry)), service_(std::move(service))
{
}

Visitor::Reception Connection::reception() const
{
    return {.tls = *service_->tls, .deadline = service_->deadlines.handshake, .log = service_->log};
}

/// The only catch: denies.  One coroutine for all of it, as an idle connection keeps it.
asio::awaitable<void> Connection::attend()
{
    try {
        login_deadline_ = Clock::now() + service_->deadlines.login;
        if (stream().ssl() != nullptr) device_ = device_of(*stream().ssl());
        const login::Setting setting{.server_name = service_->name,
                                     .authenticator = service_->authenticator,
                                     .log = service_->log,
                                     .enrolments = &service_->enrolments};
        co_await login::converse(*this, setting);
    } catch (const login::PeerLeft&) {
        take_back();
    } catch (const login::TimedOut&) {
        say({.code = code::kClosing, .text = "Timeout"});
    } catch (const login::ShuttingDown&) {
        say({.code = code::kClosing, .text = "Shutting down"});
    } catch (const login::MalformedLine& error) {
        say({.code = code::kMalformedLine, .text = error.what()});
    } catch (const std::exception& error) {
        log_failure(service_->log, "conversation_failed", error.what());
        take_back();
        say({.code = code::kClosing, .text = "Temporary failure, try again later"});
    }
    co_await finish(kGoodbye);
}

asio::awaitable<void> Connection::apologize(std::chrono::seconds patience)
{
    say({.code = code::kClosing, .text = "Too many connections"});
    co_await finish(patience);
}

/// What has been said and not been sent.
void Connection::take_back()
{
    wipe(unsent_);
    unsent_.clear();
}

/// A reply may hold a secret: no copy of it is left behind where a longer one takes the place.
void Connection::say(const Reply& reply)
{
    auto wire = to_wire(reply);
    if (unsent_.capacity() - unsent_.size() < wire.size()) {
        std::string longer;
        longer.reserve(unsent_.size() + wire.size());
        longer += unsent_;
        longer.swap(unsent_);
        wipe(longer);
    }
    unsent_ += wire;
    wipe(wire);
}

asio::awaitable<Secret> Connection::answer(Patience patience)
{
    const auto deadline = deadline_for(patience);
    stream().expires_at(deadline);
    co_await flush();
    for (;;) {
        auto next = lines_.next();
        if (next.error) throw login::MalformedLine(*next.error);
        if (next.line) {
            answered(patience);
            co_return std::move(*next.line);
        }
        if (draining()) throw login::ShuttingDown();
        set_waiting(true);
        const auto [unreadable] = co_await stream().async_wait_readable(kResult);
        set_waiting(false);
        if (unreadable) give_up(unreadable);
        receive();
    }
}

/// What is there by now, if anything is.
void Connection::receive()
{
    boost::system::error_code error;
    const auto space = lines_.space();
    const auto count = stream().try_read_some(asio::buffer(space.data(), space.size()), error);
    if (error == asio::error::would_block) return;
    if (error) give_up(error);
    lines_.received(count);
}

asio::awaitable<void> Connection::flush()
{
    if (unsent_.empty()) co_return;
    // At once, mostly: a reply is small, and the socket has room for it.
    boost::system::error_code error;
    const auto sent = stream().try_write_some(asio::buffer(unsent_), error);
    if (error == asio::error::would_block) {
        const auto rest = asio::buffer(unsent_) + sent;
        const auto [failed, count] = co_await asio::async_write(stream(), rest, kResult);
        error = failed;
    }
    wipe(unsent_);
    std::string().swap(unsent_);  // an idle connection keeps no buffer
    if (error) give_up(error);
}

asio::awaitable<void> Connection::finish(std::chrono::seconds patience)
{
    stream().expires_at(Clock::now() + patience);
    try {
        co_await flush();
    } catch (const std::exception&) {
        co_return;  // nobody is left to be told
    }
    set_waiting(true);
    [[maybe_unused]] const auto ended = co_await stream().async_close(kResult);
    set_waiting(false);
}

Connection::Clock::time_point Connection::deadline_for(Patience patience) const
{
    const auto& deadlines = service_->deadlines;
    if (patience == Patience::enrolment) return Clock::now() + deadlines.enrolment;
    const auto own = Clock::now() + (patience == Patience::idle ? deadlines.idle : deadlines.answer);
    return login_deadline_ ? std::min(own, *login_deadline_) : own;
}

/// Choosing a password and scanning a picture is not the login's time.
void Connection::answered(Patience patience)
{
    if (patience == Patience::enrolment && login_deadline_) {
        login_deadline_ = Clock::now() + service_->deadlines.login;
    }
}

void Connection::give_up(const boost::system::error_code& error) const
{
    if (error == asio::error::timed_out) throw login::TimedOut();
    if (error == asio::error::operation_aborted && draining()) throw login::ShuttingDown();
    throw login::PeerLeft();
}

}  // namespace securelogin::net
