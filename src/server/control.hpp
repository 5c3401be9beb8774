// control.hpp: what the signals do: SIGHUP reloads, SIGTERM and SIGINT drain and stop, a second one stops at
// once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>

#include "common/event_log.hpp"
#include "server/config.hpp"
#include "server/confinement.hpp"
#include "server/daemon_options.hpp"
#include "server/net/gate.hpp"
#include "server/net/line_door.hpp"
#include "server/net/server.hpp"
#include "server/service_factory.hpp"
#include "server/site_factory.hpp"
#include "server/store_watch.hpp"
#include "server/verify/door.hpp"
#include "server/web/door.hpp"

namespace securelogin {

/// The settings as these parts take them, at start and at each reload.
[[nodiscard]] net::Gate::Limits gate_limits(const Settings& settings);
[[nodiscard]] verify::Terms verify_terms(const Settings& settings);

/// All on the one thread that runs its io_context, which serves no connection: files may be read there.
class Control {
  public:
    /// The parts that follow new settings; all must outlive this.
    struct Parts {
        const DaemonOptions& options;
        const Confinement& confinement;
        const ServiceFactory& services;
        SiteFactory& sites;
        net::Gate& gate;
        net::Server& server;
        net::LineDoor& lines;
        web::Door* web;        // may be null
        verify::Door* verify;  // may be null
        StoreWatch* watch;     // may be null
        EventLog& log;
    };

    /// Waits for signals from now on, and stops `io` when all is drained.  `drain` is from the settings.
    Control(boost::asio::io_context& io, const Parts& parts, std::chrono::seconds drain);

    /// Reads the settings again.  The old ones stay in force when the new ones are bad; the log is told.
    void reload();

  private:
    void wait();
    void stop();
    void follow(const Settings& settings);

    boost::asio::io_context& io_;
    boost::asio::signal_set signals_;
    const Parts parts_;
    std::chrono::seconds drain_;
    bool stopping_ = false;
};

}  // namespace securelogin
