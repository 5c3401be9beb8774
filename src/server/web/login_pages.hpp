// login_pages.hpp: logging in and out with a browser.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/web/message.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

// To the account, or to the login.
[[nodiscard]] boost::asio::awaitable<Response> show_start(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> show_login(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> log_in(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> show_logout(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> log_out(const Visit& visit);

}  // namespace securelogin::web
