// commands.hpp: what someone who is logged in may ask (docs/protocol.md, "After login").
#pragma once

#include <boost/asio/awaitable.hpp>

#include "server/login/conversation.hpp"

namespace securelogin::login {

/// Answers commands until the peer leaves, logs out or quits, or the session ends.  Throws what Peer throws.
[[nodiscard]] boost::asio::awaitable<void> serve_commands(Peer& peer, const Setting& setting,
                                                          const auth::Granted& granted);

}  // namespace securelogin::login
