// forgery_guard.hpp: whether a form was sent by one of our own pages (cross-site request forgery; OWASP).
//
// Two proofs, both needed: where the browser says where the form comes from (Origin, RFC 6454 section 7), it
// is this site; and the form holds a token that only a page shown to the same browser can have: a MAC, under
// a key of this process, of the cookie that the browser also sends.  So a token is of no use in another
// session, nor after a login or a logout, which change the cookie.
//
// The same key tells what this site has written into an address from what anybody has: a link is no message.
//
// Immutable; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/auth/clock.hpp"
#include "server/auth/hmac.hpp"

namespace securelogin::web {

class ForgeryGuard {
  public:
    explicit ForgeryGuard(auth::Random& random);

    /// For the forms of a page that is shown to whoever has this cookie.
    [[nodiscard]] std::string token_for(std::string_view cookie) const;
    /// False for an empty cookie.
    [[nodiscard]] bool is_token_for(std::string_view cookie, std::string_view token) const;

    /// `query` with its proof, for an address that is told something only where it comes with this cookie.
    [[nodiscard]] std::string proved_query(std::string_view cookie, std::string_view query) const;
    /// The query that has been proved; nothing where it has not.
    [[nodiscard]] std::optional<std::string_view> check_query(std::string_view cookie,
                                                              std::string_view proved) const;

  private:
    auth::Hmac hmac_;
};

/// Whether `origin`, as a browser has sent it, is the site that it has asked for under `host`.
[[nodiscard]] bool is_own_origin(std::string_view origin, std::string_view scheme, std::string_view host);

}  // namespace securelogin::web
