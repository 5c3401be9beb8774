// site.hpp: what browsers' requests are served with.  A reload makes a new one; requests keep the one that
// they began with.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/event_log.hpp"
#include "common/openssl.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/session.hpp"
#include "server/login/async_authenticator.hpp"
#include "server/login/async_enrolment.hpp"
#include "server/web/forgery_guard.hpp"
#include "server/web/guard.hpp"
#include "server/web/origin.hpp"
#include "server/web/pages.hpp"
#include "server/web/under_way.hpp"

namespace securelogin::web {

struct Logo {
    std::string type;  // of media; empty: there is none
    std::string octets;
};

struct Site {
    struct Deadlines {
        std::chrono::seconds handshake;
        std::chrono::seconds request;  // from its first octet to its last, and for taking the answer
        std::chrono::seconds idle;     // between two requests
    };

    Pages pages;
    Logo logo;
    Deadlines deadlines;
    SslContextPtr tls;
    login::AsyncAuthenticator authenticator;
    login::AsyncEnrolments enrolments;
    Guard guard;
    std::vector<Origin> back_to;
    bool open_registration;
    auth::SessionPolicy sessions;
    // What outlives a reload.
    EventLog& log;
    auth::Random& random;
    const ForgeryGuard& forgery_guard;
    EnrolmentsUnderWay& under_way;
};

}  // namespace securelogin::web
