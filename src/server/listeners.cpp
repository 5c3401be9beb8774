#include "server/listeners.hpp"

#include <cstdio>
#include <stdexcept>
#include <utility>

#include "server/startup_error.hpp"

namespace securelogin {
namespace {

/// Those of `tls`, then those of `plain`.
std::vector<net::Endpoint> endpoints(const std::vector<std::string>& tls,
                                     const std::vector<std::string>& plain)
{
    std::vector<net::Endpoint> all;
    all.reserve(tls.size() + plain.size());
    for (const auto& text : tls) all.push_back(net::parse_tls_endpoint(text));
    for (const auto& text : plain) all.push_back(net::parse_plain_endpoint(text));
    return all;
}

net::Endpoint verify_endpoint(const std::string& text)
{
    if (!text.starts_with("unix:")) {
        throw std::invalid_argument(
            "'" + text + "': who may ask about tokens is settled by a Unix socket's mode: give unix:PATH");
    }
    return net::parse_plain_endpoint(text);
}

std::string line_of(const std::string& address, const std::string& how)
{
    return "listening on " + address + " (" + how + ")\n";
}

}  // namespace

Places places_of(const Settings& settings)
try {
    const auto& listen = settings.listen;
    Places all{.login = endpoints(listen.tls, listen.plain), .web = endpoints(listen.web, listen.web_plain)};
    if (settings.metrics.listen) all.metrics = net::parse_plain_endpoint(*settings.metrics.listen);
    if (listen.verify) all.verify = verify_endpoint(*listen.verify);
    return all;
} catch (const std::invalid_argument& error) {
    throw StartupError(std::string("listening on ") + error.what());
}

Sockets bind_all(const Places& places)
{
    Sockets all;
    for (const auto& endpoint : places.login) all.login.emplace_back(endpoint);
    for (const auto& endpoint : places.web) all.web.emplace_back(endpoint);
    if (places.metrics) all.metrics.emplace(*places.metrics);
    if (places.verify) all.verify.emplace(*places.verify);
    return all;
}

AllListening listen_on(net::Server& server, net::Door& door, std::vector<net::ListeningSocket>& sockets)
{
    AllListening all;
    for (auto& socket : std::exchange(sockets, {})) all.push_back(server.listen(std::move(socket), door));
    return all;
}

void announce(const Announcement& announcement)
{
    const auto& fingerprint = announcement.fingerprint;
    std::string lines;
    for (const auto& [address, tls] : announcement.login) {
        lines += line_of(address, tls ? "TLS, " + fingerprint : "plain");
    }
    for (const auto& [address, tls] : announcement.web) {
        lines += line_of(address, tls ? "HTTPS, " + fingerprint : "HTTP");
    }
    if (announcement.metrics != nullptr) lines += "metrics on " + announcement.metrics->address() + "\n";
    if (announcement.verify != nullptr) lines += line_of(announcement.verify->address(), "verify");
    // One write: whoever waits for these lines reads all of them.
    std::fputs(lines.c_str(), stderr);
}

}  // namespace securelogin
