#include "server/web/forms.hpp"

#include <utility>

#include "server/web/answers.hpp"
#include "server/web/cookies.hpp"

namespace securelogin::web {
namespace {

constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

}  // namespace

std::variant<Form, Response> posted_form(const Visit& visit)
{
    if (!is_media_type(visit.header(http::field::content_type), kFormType)) {
        return problem(visit, http::status::unsupported_media_type, "Send a form.");
    }
    auto form = Form::parse(visit.request.body());
    if (!form)
        return problem(visit, http::status::bad_request, "The form is malformed: load the page again.");
    if (!is_ours(visit, (*form)["csrf"])) {
        return problem(
            visit, http::status::forbidden,
            "The form is not one of this page, or too old: load the page again, with cookies allowed.");
    }
    return *std::move(form);
}

}  // namespace securelogin::web
