#include "server/metrics_listener.hpp"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "common/result_token.hpp"

namespace securelogin {
namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace {

constexpr std::size_t kLongestRequest = 4096;  // octets
constexpr int kMostOpen = 8;
constexpr std::chrono::seconds kDeadline{5};
constexpr std::chrono::seconds kPauseWhenShort{1};

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

Response respond_to(const Request& request, const MetricsListener::Pages& pages)
{
    Response response(http::status::ok, 11);
    response.keep_alive(false);
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    const bool health = request.target() == "/healthz";
    if (!health && request.target() != "/metrics") {
        response.result(http::status::not_found);
        response.body() = "Not found: /metrics and /healthz are.\n";
    } else if (request.method() != http::verb::get) {
        response.result(http::status::method_not_allowed);
        response.set(http::field::allow, "GET");
        response.body() = "GET it.\n";
    } else if (health) {
        const auto trouble = pages.trouble();
        if (!trouble.empty()) response.result(http::status::service_unavailable);
        response.body() = (trouble.empty() ? "ok" : trouble) + "\n";
    } else {
        response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
        response.body() = pages.metrics();
    }
    response.prepare_payload();
    return response;
}

}  // namespace

MetricsListener::MetricsListener(asio::io_context& io, net::ListeningSocket socket, Pages pages)
    : endpoint_(socket.endpoint()),
      pages_(std::move(pages)),
      strand_(asio::make_strand(io)),
      acceptor_(socket.take_over(strand_)),
      pause_(strand_),
      accepting_([this](net::KeptGoing::Token token) {
          asio::co_spawn(strand_, accept_loop(std::move(token)), asio::detached);
      })
{
}

MetricsListener::~MetricsListener()
{
    if (endpoint_.unix_path) ::unlink(endpoint_.unix_path->c_str());
}

std::string MetricsListener::address() const { return net::to_string(acceptor_.local_endpoint()); }

asio::awaitable<void> MetricsListener::accept_loop([[maybe_unused]] net::KeptGoing::Token token)
{
    while (acceptor_.is_open()) co_await accept_one();
}

asio::awaitable<void> MetricsListener::accept_one()
{
    const asio::any_io_executor executor = strand_;
    auto [error, socket] = co_await acceptor_.async_accept(executor, kResult);
    if (error) {
        pause_.expires_after(kPauseWhenShort);
        co_await pause_.async_wait(kResult);
    } else if (places_.use_count() <= kMostOpen) {
        welcome(std::move(socket));
    }
}

/// A shortage costs a scrape, not the listener.
void MetricsListener::welcome(Stream::Socket socket) noexcept
try {
    asio::co_spawn(strand_, serve(Stream(std::move(socket)), places_), asio::detached);
} catch (const std::exception&) {
    return;
}

asio::awaitable<void> MetricsListener::serve(Stream stream, [[maybe_unused]] Place place)
{
    try {
        stream.expires_at(std::chrono::steady_clock::now() + kDeadline);
        co_await answer(stream);
        [[maybe_unused]] const auto ended = co_await stream.async_close(kResult);
    } catch (const std::exception&) {
        co_return;  // out of memory for a page: the next one may fit
    }
}

/// One request; one that is none is not answered.
asio::awaitable<void> MetricsListener::answer(Stream& stream)
{
    boost::beast::flat_static_buffer<kLongestRequest> buffer;
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kLongestRequest);
    const auto [unread, read] = co_await http::async_read_header(stream, buffer, parser, kResult);
    if (unread) co_return;
    const auto response = respond_to(parser.get(), pages_);
    [[maybe_unused]] const auto written = co_await http::async_write(stream, response, kResult);
}

}  // namespace securelogin
