#include "server/web/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <string>
#include <utility>

#include "common/result_token.hpp"
#include "common/secret.hpp"
#include "server/web/answers.hpp"
#include "server/web/guarding.hpp"
#include "server/web/router.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kGoodbyeOfWeb{2};  // for the last octets to go out and the peer to close

}  // namespace

Connection::Connection(Entry entry, Worker& worker, std::shared_ptr<const Site> site)
    : Visitor(std::move(entry)), worker_(worker), site_(std::move(site)), questions_(*this, requests_, worker)
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
        log_failure(site_->log, "request_failed", error.what());
    }
    co_await finish(kGoodbyeOfWeb);
}

asio::awaitable<void> Connection::apologize(std::chrono::seconds patience)
{
    try {
        const auto text = refusal_of({}, http::status::service_unavailable).text({});
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
    const auto next = co_await receive();
    if (next.refused) {
        const auto refused = refusal_of(requests_.path_asked(), *next.refused);
        const Response::Terms last;
        [[maybe_unused]] const bool sent = co_await send(refused, last);
        co_return false;
    }
    if (next.request == nullptr) co_return false;
    const auto& request = *next.request;
    if (is_question(request)) {
        const bool go_on = co_await questions_.serve();
        co_return go_on;
    }
    const auto response = co_await answer(request);
    const Response::Terms terms{.keep_alive = request.keep_alive() && !draining(),
                                .without_body = request.method() == http::verb::head,
                                .version = request.version()};
    requests_.done();
    const bool sent = co_await send(response, terms);
    co_return sent&& terms.keep_alive;
}

/// Who sends nothing holds no buffer.
asio::awaitable<bool> Connection::await_request()
{
    if (!requests_.empty()) co_return true;
    requests_.forget();
    if (draining()) co_return false;
    stream().expires_at(Clock::now() + worker_.site()->deadlines.idle);
    set_waiting(true);
    const auto [error] = co_await stream().async_wait_readable(kResult);
    set_waiting(false);
    co_return !error;
}

/// Neither a request nor a refusal when the peer has left, or takes too long.
asio::awaitable<Requests::Next> Connection::receive()
{
    stream().expires_at(Clock::now() + site_->deadlines.request);
    for (;;) {
        const auto* const next = requests_.next();
        if (next != nullptr) co_return *next;
        const auto space = requests_.space();
        const auto buffer = asio::buffer(space.data(), space.size());
        set_waiting(true);
        const auto [error, count] = co_await stream().async_read_some(buffer, kResult);
        set_waiting(false);
        if (error == asio::error::timed_out)
            co_return Requests::Next{.refused = http::status::request_timeout};
        if (error) co_return Requests::Next{};
        requests_.received(count);
    }
}

/// What goes wrong on the way is an answer as well, and never a yes.
asio::awaitable<Response> Connection::answer(const Request& request)
{
    const auto visit = visit_of(request, *site_, worker_, origin(), stream().ssl() != nullptr, id());
    if (!visit) {
        tell_doubt(*site_, worker_, origin(), kNobodyNamed);
        const auto path = request.target().substr(0, request.target().find('?'));
        co_return refusal_of(path, http::status::unauthorized);
    }
    std::string why;
    try {
        auto response = co_await respond(*visit);
        co_return response;
    } catch (const std::exception& error) {
        why = error.what();
    }
    log_failure(site_->log, "request_failed", why);
    co_return failure(*visit);
}

Response Connection::refusal_of(std::string_view path, http::status status)
{
    const Asked asked{.site = *site_, .scheme = stream().ssl() != nullptr ? "https" : "http", .path = path};
    return refusal(asked, status);
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
    requests_.forget();
    stream().expires_at(Clock::now() + patience);
    set_waiting(true);
    [[maybe_unused]] const auto ended = co_await stream().async_close(kResult);
    set_waiting(false);
}

}  // namespace securelogin::web
