// login.hpp: a login as docs/protocol.md has it, in the steps that benchmarks time or stop between.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "bench/load/conversation.hpp"
#include "bench/support/population.hpp"

namespace securelogin::bench {

// Each waits for what the server says before it answers.  Throws as Conversation does.

/// Until the server asks for the user name.
[[nodiscard]] boost::asio::awaitable<void> be_greeted(Conversation& conversation);
/// Until the server asks for the code: the password has been sent, and its hash is under way.
[[nodiscard]] boost::asio::awaitable<void> give_password(Conversation& conversation, UserNumber user);
/// Until the server has said yes.
[[nodiscard]] boost::asio::awaitable<void> give_code(Conversation& conversation, std::string typed);
/// Until the server has closed.
[[nodiscard]] boost::asio::awaitable<void> quit(Conversation& conversation);

}  // namespace securelogin::bench
