// listeners.hpp: where the settings have the daemon listen, and what it says when it does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/config.hpp"
#include "server/metrics_listener.hpp"
#include "server/net/endpoint.hpp"
#include "server/net/server.hpp"
#include "server/verify/door.hpp"

namespace securelogin {

/// As the settings name them; nothing is bound yet.
struct Places {
    std::vector<net::Endpoint> login;           // the line protocol
    std::vector<net::Endpoint> web;             // browsers
    std::optional<net::Endpoint> metrics = {};  // who looks after the server
    std::optional<net::Endpoint> verify = {};   // whose token is it?
};
/// Throws StartupError.
[[nodiscard]] Places places_of(const Settings& settings);

/// All of them, bound while that may take a right that is given up then.
struct Sockets {
    std::vector<net::ListeningSocket> login;
    std::vector<net::ListeningSocket> web;
    std::optional<net::ListeningSocket> metrics;
    std::optional<net::ListeningSocket> verify;
};
/// Throws StartupError.
[[nodiscard]] Sockets bind_all(const Places& places);

using AllListening = std::vector<net::Server::Listening>;
/// Has `server` accept from `sockets`, which are empty then, who comes to `door`.
[[nodiscard]] AllListening listen_on(net::Server& server, net::Door& door,
                                     std::vector<net::ListeningSocket>& sockets);

struct Announcement {
    AllListening login;
    AllListening web;
    const MetricsListener* metrics;  // may be null
    const verify::Door* verify;      // may be null
    std::string fingerprint;         // of the key that is shown
};
/// Tells stderr: scripts wait for it.
void announce(const Announcement& announcement);

}  // namespace securelogin
