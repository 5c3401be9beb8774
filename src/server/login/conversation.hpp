// conversation.hpp: the line protocol from greeting to goodbye (docs/protocol.md).
//
// Knows no socket, no TLS and no SQL: a Peer is asked, an AsyncAuthenticator decides.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <span>
#include <string_view>

#include "common/event_log.hpp"
#include "server/login/async_authenticator.hpp"
#include "server/login/peer.hpp"

namespace securelogin::login {

class AsyncEnrolments;

/// What a conversation needs and shares with others.  Must outlive it.
struct Setting {
    std::string_view server_name;  // in the greeting
    const AsyncAuthenticator& authenticator;
    EventLog& log;
    const AsyncEnrolments* enrolments = nullptr;  // where people may enrol at this door
};

/// Ends when all has been said; the caller sends what is still queued and closes.  Throws what Peer throws.
[[nodiscard]] boost::asio::awaitable<void> converse(Peer& peer, const Setting& setting);

/// `recovery-code XXXX-...`, a fact each.  The reply holds secrets then: forget_values() when it has been
/// said.
void add_recovery_codes(Reply& reply, std::span<const Secret> codes);

/// What is said of an attempt that was not let in: 450 or 530.
[[nodiscard]] Reply no(const Outcome& outcome);

}  // namespace securelogin::login
