#include "server/web/questions.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <exception>
#include <utility>

#include "server/login/await_callback.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
using Error = boost::system::error_code;
namespace {

constexpr std::size_t kEnoughAnswers = 4096;  // octets that are written at once; the next questions wait

}  // namespace

asio::awaitable<bool> Questions::serve()
{
    const auto start = [this](const login::Resume<bool>& over) {
        over_ = [over](bool on) { over(nullptr, on); };
        // What it throws would pass by the coroutine, and leave it waiting.
        carry_on([this] { ask(); });
    };
    const bool go_on = co_await login::await_callback<bool>(start);
    co_return go_on;
}

/// Keeps the connection, whose part this is.
std::shared_ptr<Questions> Questions::self() { return {asker_.shared_from_this(), this}; }

/// Nobody has been let through where a step has failed.
template <typename Step>
void Questions::carry_on(Step step) noexcept
try {
    step();
} catch (const std::exception& error) {
    unsent_.clear();  // half of an answer, perhaps
    try {
        end(false);
        asker_.log_failure(worker_.site()->log, "request_failed", error.what());
    } catch (const std::exception&) {
        return;  // out of memory: the worker's thread goes on without it
    }
}

void Questions::answer() noexcept
{
    carry_on([this] {
        if (site_ != worker_.site()) {
            site_ = worker_.site();
            trusted_ = site_->guard.proxies().trusts(asker_.origin());
        }
        append_answers();
    });
}

void Questions::send() noexcept
{
    if (!unsent_.empty()) carry_on([this] { send_unsent(); });
}

void Questions::read_on() noexcept
{
    if (std::exchange(reads_on_, false)) carry_on([this] { read(); });
}

/// What is to be answered next; null where that has not come, or is no question.
const Request* Questions::asked()
{
    const auto* const next = requests_.next();
    const auto* const request = next != nullptr ? next->request : nullptr;
    return request != nullptr && is_question(*request) ? request : nullptr;
}

/// What others ask before the round comes gives the memory the time to bring what is remembered.  REQUIRES:
/// there is a question.
void Questions::ask()
{
    token_ = token_shown(*asked(), worker_);
    worker_.answer_soon(self());
}

void Questions::append_answers()
{
    for (const auto* question = asked(); question != nullptr && !last_ && unsent_.size() < kEnoughAnswers;) {
        last_ = !question->keep_alive() || asker_.draining();
        append_answer(unsent_, answer_to(*question), !last_);
        requests_.done();
        question = asked();
        if (question != nullptr) token_ = token_shown(*question, worker_);
    }
}

GuardAnswer Questions::answer_to(const Request& question)
try {
    return answer_of({.request = question,
                      .token = token_,
                      .site = *site_,
                      .worker = worker_,
                      .peer = asker_.origin(),
                      .trusted = trusted_});
} catch (const std::exception& error) {
    asker_.log_failure(site_->log, "request_failed", error.what());
    return {.status = static_cast<unsigned>(http::status::internal_server_error)};
}

/// At once, mostly: who asks reads the answers, and the socket has room for them.
void Questions::send_unsent()
{
    Error error;
    const auto sent = asker_.stream().try_write_some(asio::buffer(unsent_), error);
    if (error && error != asio::error::would_block) return end(false);
    if (sent == unsent_.size()) {
        reads_on_ = wants_more();
        return;
    }
    unsent_.erase(0, sent);
    asker_.stream().expires_at(net::Visitor::Clock::now() + site_->deadlines.request);
    asio::async_write(asker_.stream(), asio::buffer(unsent_),
                      [self = self()](const Error& failed, std::size_t) {
                          self->carry_on([&] {
                              if (failed) return self->end(false);
                              if (self->wants_more()) self->read();
                          });
                      });
}

/// Whether the next question is still to be read; if not, it is seen to here what comes instead.
bool Questions::wants_more()
{
    unsent_.clear();
    if (last_ || asker_.draining()) {  // a shutdown may have come while the answer was on its way
        end(false);
    } else if (asked() != nullptr) {
        ask();
    } else if (!requests_.empty()) {
        end(true);
    } else {
        return true;
    }
    return false;
}

/// With its buffer in hand, unlike Connection::await_request(): who asks will ask again.
void Questions::read()
{
    asker_.stream().expires_at(net::Visitor::Clock::now() + site_->deadlines.idle);
    const auto space = requests_.space();
    asker_.set_waiting(true);
    asker_.stream().async_read_some(asio::buffer(space.data(), space.size()),
                                    [self = self()](const Error& error, std::size_t count) {
                                        self->asker_.set_waiting(false);
                                        self->carry_on([&] {
                                            if (error) return self->end(false);
                                            self->requests_.received(count);
                                            if (self->wants_more()) self->read();
                                        });
                                    });
}

void Questions::end(bool go_on)
{
    const auto over = std::exchange(over_, nullptr);
    if (over) over(go_on);
}

}  // namespace securelogin::web
