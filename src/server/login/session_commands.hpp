// session_commands.hpp: the commands about sessions and tokens (docs/protocol.md, "Sessions and tokens").
//
// Each throws what Peer throws, and auth::StoreError: then nothing has been done.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/login/holder.hpp"

namespace securelogin::login {

/// SESSIONS
[[nodiscard]] boost::asio::awaitable<After> sessions(Holder& holder);
/// REVOKE ID|all; this session's own id is a LOGOUT.
[[nodiscard]] boost::asio::awaitable<After> revoke(Holder& holder);
/// TOKEN
[[nodiscard]] boost::asio::awaitable<After> token(Holder& holder);
/// LOGOUT
[[nodiscard]] boost::asio::awaitable<After> logout(Holder& holder);

}  // namespace securelogin::login
