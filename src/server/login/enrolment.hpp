// enrolment.hpp: the dialogue that an invitation opens (docs/protocol.md, "Enrolment").
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string_view>

#include "common/secret.hpp"
#include "server/login/conversation.hpp"
#include "server/login/peer.hpp"

namespace securelogin::login {

/// The invitation in an answer to 330; nothing where it is a name.  No name has a blank in it, so what was a
/// name before there were enrolments is one still.
[[nodiscard]] std::optional<Secret> invitation_in(std::string_view answer);

/// From the invitation to the account.  True when somebody has enrolled; else what became of it has been
/// said. REQUIRES: setting.enrolments.
[[nodiscard]] boost::asio::awaitable<bool> enrol(Peer& peer, const Setting& setting, Secret invitation);

}  // namespace securelogin::login
