#include "server/web/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <string>
#include <utility>

#include "common/result_token.hpp"
#include "common/secret.hpp"
#include "server/login/await_callback.hpp"
#include "server/web/answers.hpp"
#include "server/web/guarding.hpp"
#include "server/web/router.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kGoodbyeOfWeb{2};  // for the last octets to go out and the peer to close
constexpr std::size_t kEnoughAnswers = 4096;      // octets that are written at once; the next questions wait

}  // namespace

Connection::Connection(Entry entry, Worker& worker, std::shared_ptr<const Site> site)
    : Visitor(std::move(entry)), worker_(worker), site_(std::move(site))
{
}

net::Visitor::Reception Connection::reception() const
{
    return {.tls = *site_->tls, .deadline = site_->deadlines.handshake, .log = site_->log};
}

asio::awaitable<void> Connection::attend()
{
    try {
        bool go_on = true;
        while (go_on) go_on = co_await serve_one();
    } catch (const std::exception& error) {
        log_failure(error.what());
    }
    co_await finish(kGoodbyeOfWeb);
}

asio::awaitable<void> Connection::apologize(std::chrono::seconds patience)
{
    try {
        const auto text = refusal(http::status::service_unavailable).text({});
        // Under the deadline of the whole: send() would set its own.
        const auto buffer = asio::buffer(text);
        [[maybe_unused]] const auto sent = co_await asio::async_write(stream(), buffer, kResult);
    } catch (const std::exception&) {
        co_return;  // out of memory: the close must do
    }
    co_await finish(patience);
}

/// False when there is nothing to be answered any more.
asio::awaitable<bool> Connection::serve_one()
{
    const bool has_come = co_await await_request();
    if (!has_come) co_return false;
    site_ = worker_.site();
    if (!next_) next_ = co_await receive();
    if (next_->refused) {
        const auto refused = refusal(*next_->refused);
        const Response::Terms last;
        [[maybe_unused]] const bool sent = co_await send(refused, last);
        co_return false;
    }
    if (next_->request == nullptr) co_return false;
    const auto& request = *next_->request;
    if (is_question(request)) {
        const bool go_on = co_await serve_questions();
        co_return go_on;
    }
    const auto response = co_await answer(request);
    const Response::Terms terms{.keep_alive = request.keep_alive() && !draining(),
                                .without_body = request.method() == http::verb::head,
                                .version = request.version()};
    next_.reset();
    reader_.done();
    const bool sent = co_await send(response, terms);
    co_return sent&& terms.keep_alive;
}

/// Who sends nothing holds no buffer.
asio::awaitable<bool> Connection::await_request()
{
    if (next_ || !reader_.empty()) co_return true;
    reader_.forget();
    if (draining()) co_return false;
    stream().expires_at(Clock::now() + worker_.site()->deadlines.idle);
    set_waiting(true);
    const auto [error] = co_await stream().async_wait_readable(kResult);
    set_waiting(false);
    co_return !error;
}

/// Neither a request nor a refusal when the peer has left, or takes too long.
asio::awaitable<RequestReader::Next> Connection::receive()
{
    stream().expires_at(Clock::now() + site_->deadlines.request);
    for (;;) {
        auto next = reader_.next();
        if (next.request || next.refused) co_return next;
        const auto space = reader_.space();
        const auto buffer = asio::buffer(space.data(), space.size());
        set_waiting(true);
        const auto [error, count] = co_await stream().async_read_some(buffer, kResult);
        set_waiting(false);
        if (error == asio::error::timed_out)
            co_return RequestReader::Next{.refused = http::status::request_timeout};
        if (error) co_return RequestReader::Next{};
        reader_.received(count);
    }
}

/// What goes wrong on the way is an answer as well, and never a yes.
asio::awaitable<Response> Connection::answer(const Request& request)
{
    const auto visit = visit_of(request, *site_, worker_, origin(), stream().ssl() != nullptr, id());
    if (!visit) {
        tell_doubt(*site_, worker_, origin(), kNobodyNamed);
        co_return refusal(http::status::unauthorized);
    }
    std::string why;
    try {
        auto response = co_await respond(*visit);
        co_return response;
    } catch (const std::exception& error) {
        why = error.what();
    }
    log_failure(why);
    co_return failure(*visit);
}

void Connection::log_failure(const std::string& why)
{
    site_->log.write(Level::error, "request_failed",
                     {{"source", origin().address()}, {"connection", std::to_string(id())}, {"error", why}});
}

asio::awaitable<bool> Connection::send(const Response& response, const Response::Terms& terms)
{
    stream().expires_at(Clock::now() + site_->deadlines.request);
    auto text = response.text(terms);
    const auto buffer = asio::buffer(text);
    const auto [error, count] = co_await asio::async_write(stream(), buffer, kResult);
    wipe(text);
    co_return !error;
}

asio::awaitable<void> Connection::finish(std::chrono::seconds patience)
{
    next_.reset();
    reader_.forget();
    stream().expires_at(Clock::now() + patience);
    set_waiting(true);
    [[maybe_unused]] const auto ended = co_await stream().async_close(kResult);
    set_waiting(false);
}

std::shared_ptr<Connection> Connection::self()
{
    return std::static_pointer_cast<Connection>(shared_from_this());
}

/// From a question that has been read to the first request that is none, which is left in next_, or to the
/// first that has not come whole.  False: the connection ends.
asio::awaitable<bool> Connection::serve_questions()
{
    const auto start = [this](const login::Resume<bool>& over) {
        over_ = [over](bool on) { over(nullptr, on); };
        ask();
    };
    const bool go_on = co_await login::await_callback<bool>(start);
    co_return go_on;
}

/// What goes wrong ends the connection, and nothing else: nobody has been let through then.
template <typename Step>
void Connection::carry_on(Step step) noexcept
try {
    step();
} catch (const std::exception& error) {
    unsent_.clear();  // half of an answer, perhaps
    try {
        end_questions(false);
        log_failure(error.what());
    } catch (const std::exception&) {
        return;  // out of memory: the worker's thread goes on without it
    }
}

void Connection::answer_questions() noexcept
{
    carry_on([this] {
        if (asked_with_ != worker_.site()) {
            asked_with_ = worker_.site();
            trusted_ = asked_with_->guard.proxies().trusts(origin());
        }
        site_ = asked_with_;
        append_answers();
    });
}

void Connection::send_answers() noexcept
{
    if (!unsent_.empty()) carry_on([this] { send_unsent(); });
}

void Connection::read_on() noexcept
{
    if (std::exchange(reads_on_, false)) carry_on([this] { read_questions(); });
}

/// What is to be answered next; nothing where that has not come, or is no question.
const Request* Connection::question() const noexcept
{
    const auto* const request = next_ ? next_->request : nullptr;
    return request != nullptr && is_question(*request) ? request : nullptr;
}

/// What others ask before the round comes gives the memory the time to bring what is remembered.  REQUIRES:
/// there is a question.
void Connection::ask()
{
    token_ = token_shown(*question(), worker_);
    worker_.answer_soon(self());
}

void Connection::append_answers()
{
    for (const auto* asked = question(); asked != nullptr && !last_ && unsent_.size() < kEnoughAnswers;
         asked = question()) {
        last_ = !asked->keep_alive() || draining();
        append_answer(unsent_, answer_to(*asked), !last_);
        next_.reset();
        if (!reader_.empty()) next_ = reader_.next();
        if (next_ && next_->request == nullptr && !next_->refused) next_.reset();
        if (question() != nullptr) token_ = token_shown(*question(), worker_);
    }
}

GuardAnswer Connection::answer_to(const Request& question)
try {
    return answer_of({.request = question,
                      .token = token_,
                      .site = *site_,
                      .worker = worker_,
                      .peer = origin(),
                      .trusted = trusted_});
} catch (const std::exception& error) {
    log_failure(error.what());
    return {.status = static_cast<unsigned>(http::status::internal_server_error)};
}

/// At once, mostly: who asks reads the answers, and the socket has room for them.
void Connection::send_unsent()
{
    Error error;
    const auto sent = stream().try_write_some(asio::buffer(unsent_), error);
    if (error && error != asio::error::would_block) return end_questions(false);
    if (sent == unsent_.size()) {
        reads_on_ = wants_more();
        return;
    }
    unsent_.erase(0, sent);
    stream().expires_at(Clock::now() + site_->deadlines.request);
    asio::async_write(stream(), asio::buffer(unsent_), [self = self()](const Error& failed, std::size_t) {
        self->carry_on([&] {
            if (failed) return self->end_questions(false);
            if (self->wants_more()) self->read_questions();
        });
    });
}

/// Whether the next question is still to be read; if not, it is seen to here what comes instead.
bool Connection::wants_more()
{
    unsent_.clear();
    if (last_ || draining()) {  // a shutdown may have come while the answer was on its way
        end_questions(false);
    } else if (question() != nullptr) {
        ask();
    } else if (next_ || !reader_.empty()) {
        end_questions(true);
    } else {
        return true;
    }
    return false;
}

/// With its buffer in hand, unlike await_request(): who asks will ask again.
void Connection::read_questions()
{
    stream().expires_at(Clock::now() + site_->deadlines.idle);
    const auto space = reader_.space();
    set_waiting(true);
    stream().async_read_some(
        asio::buffer(space.data(), space.size()), [self = self()](const Error& error, std::size_t count) {
            self->set_waiting(false);
            self->carry_on([&] {
                if (error) return self->end_questions(false);
                self->reader_.received(count);
                self->next_ = self->reader_.next();
                const bool whole = self->next_->request != nullptr || self->next_->refused;
                if (!whole) self->next_.reset();
                if (self->wants_more()) self->read_questions();
            });
        });
}

void Connection::end_questions(bool go_on)
{
    const auto over = std::exchange(over_, nullptr);
    if (over) over(go_on);
}

}  // namespace securelogin::web
