// login_news.hpp: what a login tells its holder: attempts that were refused since the one before, and a key
// that has borne many wrong codes.  The line protocol tells it with its yes; a browser is led to a page that
// does.
//
// It goes by way of the address (ForgeryGuard::proved_query).  Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/auth/authenticator.hpp"
#include "server/web/form.hpp"
#include "server/web/pages.hpp"

namespace securelogin::web {

/// The query of the account's page that tells it, and leads on to `back`, where that is not empty; empty
/// where there is no news.
[[nodiscard]] std::string news_of_login(const auth::Granted& granted, std::string_view back);
/// What the page says, by its query, which has been checked.
[[nodiscard]] std::optional<Notice> told_of_login(const Form& query);

}  // namespace securelogin::web
