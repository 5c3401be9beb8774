#include "server/net/visitor.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <exception>
#include <string>
#include <utility>

#include "common/result_token.hpp"
#include "server/net/tls.hpp"

namespace securelogin::net {
namespace asio = boost::asio;

asio::awaitable<void> Visitor::serve(Handshakes* handshakes)
{
    bool ready = handshakes == nullptr;
    if (!ready) ready = co_await handshake_in_turn(*handshakes);
    if (ready) co_await attend();
    boost::system::error_code ignored;
    stream_.socket().close(ignored);
    slot_.reset();
}

asio::awaitable<void> Visitor::turn_away(std::chrono::seconds patience)
{
    stream_.expires_at(Clock::now() + patience);
    const auto error = co_await handshake();
    if (log_failed(error)) co_return;
    co_await apologize(patience);
}

void Visitor::shut_down()
{
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
        self->draining_ = true;
        // A reply that is on its way is let go out.
        if (self->waiting_) self->stream_.cancel();
        if (self->turn_) self->turn_->awaited.cancel();
    });
}

/// Who has sent nothing yet has cost nothing yet: no place, and no memory of OpenSSL's.
asio::awaitable<bool> Visitor::handshake_in_turn(Handshakes& handshakes)
{
    const auto deadline = Clock::now() + reception().deadline;
    stream_.expires_at(deadline);
    waiting_ = true;
    auto [error] = co_await stream_.async_wait_readable(kResult);
    if (!error) error = co_await await_turn(handshakes, deadline);
    if (!error) error = co_await handshake();
    waiting_ = false;
    turn_.reset();
    co_return !log_failed(error);
}

asio::awaitable<boost::system::error_code> Visitor::await_turn(Handshakes& handshakes,
                                                               Clock::time_point deadline)
{
    boost::system::error_code none;
    try {
        asio::steady_timer awaited(stream_.get_executor(), deadline);
        turn_ =
            std::make_unique<HandshakeTurn>(handshakes.ask(source_, notices_of_turn()), std::move(awaited));
    } catch (const std::exception&) {
        co_return asio::error::make_error_code(asio::error::no_memory);
    }
    // The notice comes on this executor, and so not before the wait has begun.
    while (turn_->place.is_waiting() && !draining_ && Clock::now() < deadline) {
        turn_->awaited.expires_at(std::min(deadline, Clock::now() + Handshakes::kTenure));
        [[maybe_unused]] const auto waited = co_await turn_->awaited.async_wait(kResult);
        turn_->place.insist(Clock::now());
    }
    if (turn_->place.has_come()) co_return none;
    co_return draining_ ? asio::error::operation_aborted : asio::error::timed_out;
}

/// Each is called by another connection, on whatever thread that is on.
Handshakes::Notices Visitor::notices_of_turn()
{
    const auto tell = [](const std::weak_ptr<Visitor>& weak, void (*what)(Visitor&)) noexcept {
        try {
            const auto self = weak.lock();
            if (self) asio::post(self->executor(), [self, what] { what(*self); });
        } catch (const std::exception&) {
            return;  // out of memory: the deadline ends it
        }
    };
    const std::weak_ptr<Visitor> weak = weak_from_this();
    return {.granted =
                [tell, weak] {
                    tell(weak, [](Visitor& self) {
                        if (self.turn_) self.turn_->awaited.cancel();
                    });
                },
            .displaced =
                [tell, weak] {
                    tell(weak, [](Visitor& self) {
                        if (self.turn_) self.stream_.cancel();
                    });
                }};
}

asio::awaitable<boost::system::error_code> Visitor::handshake()
{
    try {
        stream_.secure(accept_side(reception().tls));
    } catch (const std::exception&) {
        co_return asio::error::make_error_code(asio::error::no_memory);
    }
    const auto [error] = co_await stream_.async_handshake(kResult);
    co_return error;
}

bool Visitor::log_failed(const boost::system::error_code& error) const
{
    if (!error) return false;
    log_failure(reception().log, "handshake_failed", error.message(), Level::debug);
    return true;
}

void Visitor::log_failure(EventLog& log, std::string_view event, std::string_view why, Level level) const
{
    log.write(
        level, event,
        {{"source", source_.address()}, {"connection", std::to_string(id_)}, {"error", std::string(why)}});
}

}  // namespace securelogin::net
