// answers.hpp: responses, each with the headers that a browser is to be kept in order with.
//
// Nothing that this door sends is ever kept by a cache but the style, the script and the logo; nothing may be
// framed, and no page runs or shows what is not this site's (CSP 3; RFC 6797; OWASP Secure Headers).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "server/web/message.hpp"
#include "server/web/pages.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

[[nodiscard]] Response page(const Visit& visit, std::string html, http::status status = http::status::ok);
/// 303: the browser GETs it.
[[nodiscard]] Response see_other(const Visit& visit, std::string_view location);
/// Style, script, logo: kept by the browser for a year (RFC 8246) where it asks for the version that there
/// is.
[[nodiscard]] Response asset(const Visit& visit, std::string_view type, const Asset& its);
[[nodiscard]] Response json(const Visit& visit, std::string text, http::status status = http::status::ok);
[[nodiscard]] Response empty(const Visit& visit, http::status status);

/// What went wrong, for whoever asked: a page for a browser, application/problem+json (RFC 9457) for a
/// program.  `what_to_do` is a sentence.
[[nodiscard]] Response problem(const Visit& visit, http::status status, std::string_view what_to_do);
/// 429, with Retry-After (RFC 9110 section 10.2.3).
[[nodiscard]] Response try_later(const Visit& visit, std::chrono::seconds after);
/// 500 without the details, which are the log's.
[[nodiscard]] Response failure(const Visit& visit);

/// What is known of a request that is refused without having been read, or before it is.
struct Asked {
    const Site& site;
    std::string_view scheme;
    std::string_view path;  // empty: not known
};
/// Its problem().  The connection is to end, but for 401: a proxy is trusted that does not say who asks.
[[nodiscard]] Response refusal(const Asked& asked, http::status status);
/// 503 for whom there is not even a place to be refused in: small, and on one packet.
[[nodiscard]] Response farewell();

/// Paths that programs ask, not browsers.
[[nodiscard]] bool is_for_programs(std::string_view path) noexcept;

}  // namespace securelogin::web
