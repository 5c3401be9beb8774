// visit.hpp: one request, and what is known of whoever sends it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/auth/device.hpp"
#include "server/auth/session.hpp"
#include "server/auth/source.hpp"
#include "server/web/message.hpp"
#include "server/web/site.hpp"
#include "server/web/worker.hpp"

namespace securelogin::web {

/// Lives as long as the request is being answered; on the worker's thread.
struct Visit {
    const Request& request;
    const Site& site;
    Worker& worker;
    const auth::Source& peer;  // the connection's: a proxy's, perhaps
    auth::Source source;       // whom to charge: the peer, or whom a trusted proxy names
    std::string_view scheme;   // that the browser uses: https, or http
    std::uint64_t connection;  // tells connections apart in the log

    [[nodiscard]] std::string_view path() const noexcept;
    /// What stands behind the `?`.
    [[nodiscard]] std::string_view query() const noexcept;
    [[nodiscard]] std::string_view header(http::field name) const noexcept;
};

/// Whoever is logged in with the browser.
struct Holder {
    auth::TokenHolder who;
    std::string_view token;    // the cookie's value; the request's
    bool must_change = false;  // the password, and nothing else

    [[nodiscard]] auth::Session session(const Visit& visit) const { return session_of(who, visit.source); }
};

/// By the session cookie.  Throws auth::StoreError, OpenSslError.
[[nodiscard]] std::optional<Holder> holder_of(const Visit& visit);
/// The device that the browser's cookie stands for; nothing where it has none.
[[nodiscard]] std::optional<auth::DeviceFingerprint> device_of(const Visit& visit);

/// What binds this browser's forms: its session, else its visit.  Empty: it has neither.
[[nodiscard]] std::string_view binding_of(const Visit& visit) noexcept;
/// The account's page, told `query` for whoever comes with this cookie; as it is where that is empty.
[[nodiscard]] std::string account_page_told(const Site& site, std::string_view cookie,
                                            std::string_view query);
/// Whether a form was sent by one of our pages (forgery_guard.hpp).
[[nodiscard]] bool is_ours(const Visit& visit, std::string_view csrf);

}  // namespace securelogin::web
