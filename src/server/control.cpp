#include "server/control.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>

#include "server/notify.hpp"

namespace securelogin {

net::Gate::Limits gate_limits(const Settings& settings)
{
    const auto& limits = settings.limits;
    return {.accepts = {.per_second = limits.accepts_per_source, .burst = 2 * limits.accepts_per_source},
            .slots = {.in_all = limits.connections, .per_source = limits.connections_per_source},
            .handshakes = {.in_all = limits.handshakes, .per_source = limits.handshakes_per_source}};
}

verify::Terms verify_terms(const Settings& settings)
{
    return {.sessions = settings.policy.sessions, .idle = settings.deadlines.idle};
}

Control::Control(boost::asio::io_context& io, const Parts& parts, std::chrono::seconds drain)
    : io_(io), signals_(io, SIGTERM, SIGINT, SIGHUP), parts_(parts), drain_(drain)
{
    wait();
}

void Control::wait()
{
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) return;
        if (signal == SIGHUP) {
            reload();
        } else {
            stop();
        }
        wait();
    });
}

void Control::reload()
{
    notify_service_manager("RELOADING=1");
    try {
        follow(settings_for(parts_.options));
        parts_.log.write(Level::info, "reloaded", {});
    } catch (const std::exception& error) {
        parts_.log.write(Level::error, "reload_refused", {{"error", error.what()}});
    }
    notify_service_manager("READY=1");
}

/// All that may fail comes before the first change.
void Control::follow(const Settings& settings)
{
    for (const auto& file :
         {settings.tls.certificate, settings.tls.key, settings.breached_passwords, settings.web.logo}) {
        if (file) parts_.confinement.require_reachable(*file);
    }
    const auto service = parts_.services.make(settings);
    const auto site = parts_.web != nullptr ? parts_.sites.make(settings, *service) : nullptr;
    parts_.lines.reload(service);
    if (parts_.web != nullptr) parts_.web->reload(site);
    parts_.gate.set_limits(gate_limits(settings));
    if (parts_.watch != nullptr) parts_.watch->set_policy(settings.policy);
    if (parts_.verify != nullptr) parts_.verify->set_terms(verify_terms(settings));
    drain_ = settings.deadlines.drain;
}

void Control::stop()
{
    if (stopping_) std::_Exit(0);  // asked twice: at once; what was acknowledged is on disk
    stopping_ = true;
    notify_service_manager("STOPPING=1");
    parts_.log.write(Level::info, "stopping", {});
    parts_.server.drain(drain_, [this] { io_.stop(); });
}

}  // namespace securelogin
