// login_news.hpp: what a login tells its holder: attempts that were refused since the one before, and a key
// that has borne many wrong codes.  The line protocol tells it with its yes; a browser is led to a page that
// does.
//
// It goes by way of the address, which anybody can write a link to: so numbers, and nothing else.  Pure.
#pragma once

#include <optional>
#include <string>

#include "server/auth/authenticator.hpp"
#include "server/web/form.hpp"
#include "server/web/pages.hpp"

namespace securelogin::web {

/// The account's page, with the news in the query where there are any.
[[nodiscard]] std::string account_page_after(const auth::Granted& granted);
/// What the page says, by its query.
[[nodiscard]] std::optional<Notice> told_of_login(const Form& query);

}  // namespace securelogin::web
