// site_factory.hpp: settings made into what browsers are served with, at start and at each reload.
#pragma once

#include <memory>

#include "common/event_log.hpp"
#include "server/auth/clock.hpp"
#include "server/config.hpp"
#include "server/data_directory.hpp"
#include "server/net/connection.hpp"
#include "server/web/forgery_guard.hpp"
#include "server/web/site.hpp"
#include "server/web/under_way.hpp"

namespace securelogin {

class SiteFactory {
  public:
    /// All must outlive this and every site.
    SiteFactory(const DataDirectory& data, auth::Random& random, EventLog& log)
        : data_(data), random_(random), log_(log), forgery_guard_(random)
    {
    }

    /// With the authenticator of `service`, which has been made of the same settings.  Reads certificate and
    /// logo.  Throws StartupError, std::runtime_error.
    [[nodiscard]] std::shared_ptr<const web::Site> make(const Settings& settings,
                                                        const net::Service& service);

  private:
    const DataDirectory& data_;
    auth::Random& random_;
    EventLog& log_;
    // What pages that are open have been given outlives a reload.
    const web::ForgeryGuard forgery_guard_;
    web::EnrolmentsUnderWay under_way_;
};

/// Of the settings' picture; none where they name none.  Throws StartupError.
[[nodiscard]] web::Logo read_logo(const Settings& settings);

}  // namespace securelogin
