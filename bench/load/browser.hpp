// browser.hpp: a login at the pages, in the steps that a browser takes.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <string>

#include "bench/load/conversation.hpp"
#include "bench/support/population.hpp"

namespace securelogin::bench {

/// One browser on one connection, in which nobody is logged in.
class Browser {
  public:
    /// `port` is the server's; `device` the cookie that an earlier login has left, or empty.
    Browser(Stream stream, std::uint16_t port, std::string device = {})
        : stream_(std::move(stream)), host_("127.0.0.1:" + std::to_string(port)), device_(std::move(device))
    {
    }

    // Throws Unexpected when the answer is another than a browser hopes for, boost::system::system_error.

    /// GET /login.
    [[nodiscard]] boost::asio::awaitable<void> load_login_page();
    struct Answer {
        boost::beast::http::status status = {};  // see_other: logged in
        std::chrono::seconds retry_after{0};     // where the server says so
    };
    /// POST /login: what the user has typed, whatever is answered.  REQUIRES: the page.
    [[nodiscard]] boost::asio::awaitable<Answer> attempt(UserNumber user, std::string code);
    /// The same, and it is a login.
    [[nodiscard]] boost::asio::awaitable<void> submit(UserNumber user, std::string code);
    /// The cookie, after a login.
    [[nodiscard]] const std::string& device() const noexcept { return device_; }
    /// Closes.
    [[nodiscard]] boost::asio::awaitable<void> leave();

  private:
    using Request = boost::beast::http::request<boost::beast::http::string_body>;
    using Response = boost::beast::http::response<boost::beast::http::string_body>;

    [[nodiscard]] Request request(boost::beast::http::verb method) const;
    [[nodiscard]] boost::asio::awaitable<Response> ask(Request request);
    void keep_device(const Response& response);

    Stream stream_;
    std::string host_;
    boost::beast::flat_buffer received_;
    std::string visit_;   // a cookie, `name=value`
    std::string device_;  // another
    std::string csrf_;
};

}  // namespace securelogin::bench
