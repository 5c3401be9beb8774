#include "bench/load/browser.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <string_view>
#include <utility>

namespace securelogin::bench {
namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace {

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr unsigned kHttp11 = 11;
constexpr const char* kDevice = "__Host-device=";

/// What stands between `before` and the next `after`.
std::string between(std::string_view text, std::string_view before, std::string_view after)
{
    const auto begin = text.find(before);
    if (begin == text.npos) throw Unexpected("there is no " + std::string(before));
    text.remove_prefix(begin + before.size());
    return std::string(text.substr(0, text.find(after)));
}

/// `name=value` of a Set-Cookie field.
std::string cookie_in(boost::beast::string_view field)
{
    return std::string(field.substr(0, field.find(';')));
}

/// As forms encode it: what is no letter and no digit as an escape.
std::string escaped(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            encoded += c;
        } else {
            encoded += {'%', digits[octet >> 4U], digits[octet & 15U]};
        }
    }
    return encoded;
}

}  // namespace

Browser::Request Browser::request(http::verb method) const
{
    Request request(method, "/login", kHttp11);
    request.set(http::field::host, host_);
    auto cookies = visit_;
    if (!visit_.empty() && !device_.empty()) cookies += "; ";
    cookies += device_;
    if (!cookies.empty()) request.set(http::field::cookie, cookies);
    return request;
}

asio::awaitable<Browser::Response> Browser::ask(Request request)
{
    request.prepare_payload();
    const auto [failed, sent] = co_await http::async_write(stream_, request, kResult);
    if (failed) throw boost::system::system_error(failed, "sending");
    Response response;
    const auto [error, count] = co_await http::async_read(stream_, received_, response, kResult);
    if (error) throw boost::system::system_error(error, "receiving");
    co_return response;
}

asio::awaitable<void> Browser::load_login_page()
{
    auto wanted = request(http::verb::get);
    const auto page = co_await ask(std::move(wanted));
    if (page.result() != http::status::ok) throw Unexpected("no page: " + std::to_string(page.result_int()));
    visit_ = cookie_in(page[http::field::set_cookie]);
    csrf_ = between(page.body(), R"(name="csrf" value=")", "\"");
}

asio::awaitable<Browser::Answer> Browser::attempt(UserNumber user, std::string code)
{
    auto form = request(http::verb::post);
    form.set(http::field::content_type, "application/x-www-form-urlencoded");
    form.set(http::field::origin, "https://" + host_);
    form.body() = "csrf=" + escaped(csrf_) + "&username=" + escaped(name_of(user)) +
                  "&password=" + escaped(kPassword) + "&code=" + code;
    const auto response = co_await ask(std::move(form));
    keep_device(response);
    Answer answer{.status = response.result()};
    const auto seconds = response[http::field::retry_after];
    if (!seconds.empty()) answer.retry_after = std::chrono::seconds(std::stoi(std::string(seconds)));
    co_return answer;
}

void Browser::keep_device(const Response& response)
{
    for (auto [at, end] = response.equal_range(http::field::set_cookie); at != end; ++at) {
        if (at->value().starts_with(kDevice)) device_ = cookie_in(at->value());
    }
}

asio::awaitable<void> Browser::submit(UserNumber user, std::string code)
{
    const auto answer = co_await attempt(user, std::move(code));
    if (answer.status != http::status::see_other) {
        throw Unexpected("not logged in: " + std::to_string(static_cast<unsigned>(answer.status)));
    }
}

asio::awaitable<void> Browser::leave()
{
    [[maybe_unused]] const auto ended = co_await stream_.async_close(kResult);
}

}  // namespace securelogin::bench
