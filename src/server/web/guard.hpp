// guard.hpp: may this request pass?  The decision behind GET /verify, which a reverse proxy asks before it
// lets a request through to a site: nginx (auth_request), Traefik (forwardAuth), Caddy (forward_auth).
//
// nginx tells the request in X-Original-URL (absolute) and perhaps X-Original-Method, with the site's Host;
// Traefik and Caddy in X-Forwarded-Method, -Proto, -Host, -Uri.  A question that can be read in two ways is
// answered with no.  docs/guarding-sites.md says how each is set up.  Pure; any thread.
#pragma once

#include <boost/container/small_vector.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "server/auth/session.hpp"
#include "server/auth/source.hpp"
#include "server/web/guarded_path.hpp"
#include "server/web/origin.hpp"
#include "server/web/proxies.hpp"
#include "server/web/rules.hpp"

namespace securelogin::web {

/// The values of the headers that matter, one entry for each time that one came: what was sent twice must be
/// seen twice.  Views of the request.
struct ForwardedHeaders {
    using Values = boost::container::small_vector<std::string_view, 1>;
    Values host = {};              // Host
    Values accept = {};            // Accept
    Values original_url = {};      // X-Original-URL
    Values original_method = {};   // X-Original-Method
    Values forwarded_method = {};  // X-Forwarded-Method
    Values forwarded_proto = {};   // X-Forwarded-Proto
    Values forwarded_host = {};    // X-Forwarded-Host
    Values forwarded_uri = {};     // X-Forwarded-Uri
    Values forwarded_for = {};     // X-Forwarded-For
};

/// What a proxy asks about.
struct GuardedRequest {
    Origin origin;  // of the site
    GuardedPath path;
    std::string target;     // path and query, as they came
    bool redirect = false;  // a 303 reaches the browser, which shows pages; else 401, and the proxy's affair
};

/// Why a question is none, for the log: a sentence's part without anything of the request.
struct Doubt {
    std::string_view reason;
};

[[nodiscard]] std::variant<GuardedRequest, Doubt> read_guarded(const ForwardedHeaders& headers);

/// Why whoever is none of web.proxies is not answered.
inline constexpr std::string_view kNoProxy = "the peer is none of web.proxies";

/// What a proxy is told.
struct GuardAnswer {
    enum class Verdict {
        allow,   // 200, with Remote-User, Remote-Session and Remote-Expires where someone is logged in
        login,   // 303 or 401, with Location: nobody is logged in, and someone has to be
        refuse,  // 403: nobody may, or this user may not
        doubt,   // 401 without a way back
    };
    Verdict verdict = Verdict::doubt;
    unsigned status = 401;
    boost::container::small_vector<std::pair<std::string_view, std::string>, 3> headers =
        {};                        // besides no-store
    std::string_view reason = {};  // of a doubt
};

class Guard {
  public:
    Guard(std::vector<Rule> rules, Proxies proxies) : rules_(std::move(rules)), proxies_(std::move(proxies))
    {
    }

    /// `peer` is the connection's own source, never a forwarded one.  `holder` is whose the cookie's token
    /// is now, by auth::SessionCheck; nothing when there is no cookie, more than one, or nobody's.
    [[nodiscard]] GuardAnswer answer(const auth::Source& peer, const ForwardedHeaders& headers,
                                     const std::optional<auth::TokenHolder>& holder) const;

    /// The same.  REQUIRES: the peer is one of proxies().
    [[nodiscard]] GuardAnswer answer_proxy(const ForwardedHeaders& headers,
                                           const std::optional<auth::TokenHolder>& holder) const;

    [[nodiscard]] const Proxies& proxies() const noexcept { return proxies_; }

  private:
    std::vector<Rule> rules_;
    Proxies proxies_;
};

}  // namespace securelogin::web
