#include "server/web/connection.hpp"

#include <boost/beast/http/write.hpp>
#include <exception>
#include <string>
#include <utility>

#include "common/result_token.hpp"
#include "common/secret.hpp"
#include "server/web/answers.hpp"
#include "server/web/router.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kGoodbyeOfWeb{2};  // for the last octets to go out and the peer to close

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
        site_->log.write(
            Level::error, "request_failed",
            {{"source", origin().address()}, {"connection", std::to_string(id())}, {"error", error.what()}});
    }
    co_await finish(kGoodbyeOfWeb);
}

asio::awaitable<void> Connection::apologize(std::chrono::seconds patience)
{
    try {
        auto response = refusal(http::status::service_unavailable);
        response.prepare_payload();
        // Under the deadline of the whole: send() would set its own.
        [[maybe_unused]] const auto sent = co_await http::async_write(stream(), response, kResult);
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
    auto next = co_await receive();
    if (next.refused) {
        auto refused = refusal(*next.refused);
        refused.prepare_payload();
        co_await send(refused);
        co_return false;
    }
    if (!next.request) co_return false;
    auto response = co_await answer(*next.request);
    const bool keep = next.request->keep_alive() && !draining();
    response.version(next.request->version());
    response.keep_alive(keep);
    // No content has no length, either (RFC 9110 section 8.6).
    if (response.result() != http::status::no_content) response.prepare_payload();
    if (next.request->method() == http::verb::head) {
        wipe(response.body());
        response.body().clear();
    }
    wipe(next.request->body());
    const bool sent = co_await send(response);
    co_return sent&& keep;
}

/// Who sends nothing holds no buffer.
asio::awaitable<bool> Connection::await_request()
{
    if (!reader_.empty()) co_return true;
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
    // A proxy of the operator's that does not say for whom it asks: nobody is to be charged, or let through.
    if (!visit) {
        if (worker_.may_complain()) {
            site_->log.write(
                Level::warning, "guard_in_doubt",
                {{"reason", "a proxy that does not say for whom it asks"}, {"source", origin().address()}});
        }
        co_return refusal(http::status::unauthorized);
    }
    std::string why;
    try {
        auto response = co_await respond(*visit);
        co_return response;
    } catch (const std::exception& error) {
        why = error.what();
    }
    site_->log.write(
        Level::error, "request_failed",
        {{"source", visit->source.address()}, {"connection", std::to_string(id())}, {"error", why}});
    co_return failure(*visit);
}

asio::awaitable<bool> Connection::send(Response& response)
{
    stream().expires_at(Clock::now() + site_->deadlines.request);
    const auto [error, count] = co_await http::async_write(stream(), response, kResult);
    wipe(response.body());
    co_return !error;
}

asio::awaitable<void> Connection::finish(std::chrono::seconds patience)
{
    reader_.forget();
    stream().expires_at(Clock::now() + patience);
    set_waiting(true);
    [[maybe_unused]] const auto ended = co_await stream().async_close(kResult);
    set_waiting(false);
}

}  // namespace securelogin::web
