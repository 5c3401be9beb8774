// forms.hpp: a form that was posted, once it is known to be one of ours.
#pragma once

#include <variant>

#include "server/web/answers.hpp"
#include "server/web/cookies.hpp"
#include "server/web/form.hpp"
#include "server/web/message.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

/// The form, or what is to be answered instead: 415 for what is no form, 400 for a malformed one, 403 for one
/// that none of our pages has sent to this browser.
[[nodiscard]] std::variant<Form, Response> posted_form(const Visit& visit);

/// A page with forms: `render` is given the token that they have to carry.  A browser that has no cookie yet
/// to bind them to is given one.
template <typename Render>
[[nodiscard]] Response page_with_forms(const Visit& visit, const Render& render,
                                       http::status status = http::status::ok)
{
    const auto known = binding_of(visit);
    if (!known.empty()) return page(visit, render(visit.site.forgery_guard.token_for(known)), status);
    const auto fresh = new_cookie_value(visit.site.random);
    auto response = page(visit, render(visit.site.forgery_guard.token_for(fresh.view())), status);
    response.insert(http::field::set_cookie, set_cookie(kVisitCookie, fresh.view()));
    return response;
}

}  // namespace securelogin::web
