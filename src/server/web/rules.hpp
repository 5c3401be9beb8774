// rules.hpp: who may see which part of which site.
//
// The first rule that fits decides; where there are rules and none fits, nobody may.  Without any rule,
// whoever is logged in may see everything.  Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/user_name.hpp"
#include "server/web/guarded_path.hpp"

namespace securelogin::web {

/// `login`: a session; `nothing`: everybody may, logged in or not; `refuse`: nobody may.
enum class Require { login, nothing, refuse };

struct Rule {
    std::string host = {};                   // is_host_pattern()
    std::string path = "/";                  // is_path_prefix()
    std::vector<auth::UserName> users = {};  // with `login`: these only; empty: every user
    Require require = Require::login;

    friend bool operator==(const Rule&, const Rule&) = default;
};

/// `app.example.com`, or `*.example.com`: whatever is below it, itself not.  Canonical (canonical_host()).
[[nodiscard]] bool is_host_pattern(std::string_view text);

/// `/`, `/prefix`, `/a/b`: ASCII, nothing encoded, no dot segments, no query; a slash at the end says
/// nothing.
[[nodiscard]] bool is_path_prefix(std::string_view text);

/// Whole segments: `/a` is a prefix of `/a` and `/a/b`, not of `/ab`.  Letters' case counts.
[[nodiscard]] bool fits(const Rule& rule, std::string_view host, std::string_view path);

/// What holds for a page.  `users` is empty or the only ones who may; of a rule, which must outlive it.
struct Demand {
    Require require = Require::refuse;
    std::span<const auth::UserName> users = {};
    bool doubtful = false;  // the path's readings fit different rules

    [[nodiscard]] bool admits(const auth::UserName& user) const;
};

/// `host` is canonical.  Every reading must lead to the same rule: what the site behind the proxy takes the
/// path for must not matter.  A doubtful one demands `refuse`.
[[nodiscard]] Demand demand_for(std::span<const Rule> rules, std::string_view host, const GuardedPath& path);

}  // namespace securelogin::web
