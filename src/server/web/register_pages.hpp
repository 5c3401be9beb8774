// register_pages.hpp: enrolling with a browser: by an invitation, or openly where the operator lets
// everybody.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/web/message.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

[[nodiscard]] boost::asio::awaitable<Response> show_register(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> begin_registration(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> prove_registration(const Visit& visit);

}  // namespace securelogin::web
