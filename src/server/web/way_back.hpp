// way_back.hpp: where a browser may be sent after a login, and how it is told where it came from.
//
// An open redirect lends the server's name to whoever makes the link.  What a browser could read in another
// way than we do (backslashes, tabs, `//host`, user information, dot segments) is therefore refused, not
// repaired.  Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/web/origin.hpp"

namespace securelogin::web {

inline constexpr std::size_t kLongestWayBack = 2048;  // octets

/// `text` itself where a redirect may lead there: a path of `own` (`/page?x=1`), or an absolute URL whose
/// origin is `own` or one of `allowed`, spelled as Origin::text() spells it.  Else nothing: send the browser
/// to a page of our own.
[[nodiscard]] std::optional<std::string> safe_way_back(std::string_view text, std::span<const Origin> allowed,
                                                       const Origin& own);

/// `https://app.example.com/login?back=%2Fpage%3Fx%3D1`; without `back` where `target` is no safe way back.
/// Absolute, because Traefik takes a path for one of the daemon's own address.
[[nodiscard]] std::string login_url(const Origin& own, std::string_view target);

/// All but RFC 3986's unreserved characters as %HH.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace securelogin::web
