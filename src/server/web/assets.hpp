// assets.hpp: what the pages are shown with.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/web/message.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

[[nodiscard]] boost::asio::awaitable<Response> style(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> script(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> logo(const Visit& visit);

}  // namespace securelogin::web
