// visit.hpp: from a destination to a connection that may be spoken on.
//
// What a server learns of this machine before it is trusted is that somebody has connected.  The device key
// is shown in the handshake, so on a first visit, where the person is asked between handshake and login,
// there is a second connection: the first ends with nothing said on it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "client/destination.hpp"
#include "client/display.hpp"
#include "client/tls_connection.hpp"
#include "client/trust.hpp"

namespace securelogin::client {

struct VisitPolicy {
    std::optional<std::filesystem::path> ca = {};
    TrustPolicy trust = {};
    bool device_key = true;
    std::optional<std::filesystem::path> device_keys = {};  // else device_key_directory()
};

/// How a person is asked while a connection (its descriptor) waits.
using AskWhile = std::function<AskPerson(int connection)>;

/// A connection to a server that is trusted, nothing sent on it, the device key shown where the server asked
/// for one and there is one to be had; where not, the person is told so once, and the login goes on.
/// Throws Failure: as TlsConnection and settle_trust() do.
[[nodiscard]] std::unique_ptr<TlsConnection> visit(const Destination& destination, const VisitPolicy& policy,
                                                   const AskWhile& ask, Display& display);

}  // namespace securelogin::client
