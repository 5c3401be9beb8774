// programs.hpp: the interface for programs (docs/api/openapi.yaml): JSON, and bearer tokens that are those of
// TOKEN (RFC 6750).
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/web/message.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

[[nodiscard]] boost::asio::awaitable<Response> log_in_program(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> show_session(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> end_session(const Visit& visit);

}  // namespace securelogin::web
