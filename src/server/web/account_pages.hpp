// account_pages.hpp: what a holder does with the own account.
//
// Whatever changes something is asked for with password and code, which are judged and counted as a login's
// are (login/attempt.hpp, confirm).  Who must change the password can do that, and nothing else.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/web/message.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

[[nodiscard]] boost::asio::awaitable<Response> show_account(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> change_password(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> begin_new_key(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> prove_new_key(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> replace_recovery_codes(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> end_sessions(const Visit& visit);
[[nodiscard]] boost::asio::awaitable<Response> forget_device(const Visit& visit);

}  // namespace securelogin::web
