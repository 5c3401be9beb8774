// guarding.hpp: GET /verify: may a request pass to a guarded site (guard.hpp)?
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/web/message.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

[[nodiscard]] boost::asio::awaitable<Response> verify(const Visit& visit);

}  // namespace securelogin::web
