// code_answer.hpp: the answer to the question for the code, with which an attempt ends one way or another.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <exception>
#include <optional>

#include "common/secret.hpp"
#include "server/login/peer.hpp"

namespace securelogin::login {

/// One of the two.
struct CodeAnswer {
    std::optional<Secret> code;
    std::exception_ptr left;  // why there will be none: to be thrown once the attempt is written down
};

/// What `peer` answers to what it has just been asked.  Throws ShuttingDown, which is not the peer's doing.
[[nodiscard]] boost::asio::awaitable<CodeAnswer> code_answer(Peer& peer);

}  // namespace securelogin::login
