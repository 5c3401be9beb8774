// holder.hpp: whoever is logged in on a connection, as its commands know them.
#pragma once

#include <chrono>
#include <string>

#include "server/auth/authenticator.hpp"
#include "server/login/conversation.hpp"
#include "server/login/peer.hpp"

namespace securelogin::login {

struct Holder {
    Peer& peer;
    const Setting& setting;
    const auth::Granted& granted;
    bool must_change =
        granted.account.must_change;  // the password, before anything else; until PASSWD is done
    int tokens = 0;                   // made on this connection
    std::chrono::steady_clock::time_point last_token = {};
    std::string argument = {};  // what stands behind the verb of the command that runs; empty: nothing

    [[nodiscard]] const auth::Session& session() const { return granted.session; }
};

/// What comes after a command.
enum class After { go_on, close };

/// The session has ended elsewhere: disabled, revoked, removed, or its time is up.
[[nodiscard]] After session_ended(Peer& peer);

}  // namespace securelogin::login
