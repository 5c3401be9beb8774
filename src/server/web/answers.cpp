#include "server/web/answers.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

namespace securelogin::web {
namespace {

Response bare(const Visit& visit, http::status status)
{
    Response response(status);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy",
                 "same-origin");  // and not no-referrer: forms would come from Origin: null
    response.set("Cross-Origin-Resource-Policy", "same-origin");
    if (visit.scheme == "https") {
        response.set(http::field::strict_transport_security, "max-age=31536000");
    }
    return response;
}

Response with_body(Response response, std::string_view type, std::string body)
{
    response.set(http::field::content_type, type);
    response.body() = std::move(body);
    return response;
}

std::string_view reason(http::status status)
{
    const auto text = http::obsolete_reason(status);
    return {text.data(), text.size()};
}

}  // namespace

Response page(const Visit& visit, std::string html, http::status status)
{
    auto response = bare(visit, status);
    // Browsers hold a form's action to where its answer leads, too: to where a login may lead back.
    std::string policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'";
    for (const auto& origin : visit.site.back_to) policy += ' ' + origin.text();
    response.set("Content-Security-Policy", policy);
    response.set("X-Frame-Options", "DENY");
    response.set("Cross-Origin-Opener-Policy", "same-origin");
    response.set("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
    return with_body(std::move(response), "text/html; charset=utf-8", std::move(html));
}

Response see_other(const Visit& visit, std::string_view location)
{
    auto response = bare(visit, http::status::see_other);
    response.set(http::field::location, location);
    return response;
}

/// A page of before an upgrade may ask for another version than there is: it is not to keep this one for
/// that.
Response asset(const Visit& visit, std::string_view type, const Asset& its)
{
    auto response = bare(visit, http::status::ok);
    const bool asked_for = visit.query() == "v=" + std::string(its.version);
    response.set(http::field::cache_control, asked_for ? "public, max-age=31536000, immutable" : "no-cache");
    return with_body(std::move(response), type, std::string(its.octets));
}

Response json(const Visit& visit, std::string text, http::status status)
{
    return with_body(bare(visit, status), "application/json", std::move(text));
}

Response empty(const Visit& visit, http::status status) { return bare(visit, status); }

Response problem(const Visit& visit, http::status status, std::string_view what_to_do)
{
    if (!is_for_programs(visit.path())) {
        const MessageView view{.title = std::string(reason(status)),
                               .text = std::string(what_to_do),
                               .link = "/login",
                               .link_text = "Log in"};
        return page(visit, visit.site.pages.message(view), status);
    }
    const boost::json::object object{{"type", "about:blank"},
                                     {"title", boost::json::string_view(reason(status))},
                                     {"status", static_cast<unsigned>(status)},
                                     {"detail", boost::json::string_view(what_to_do)}};
    auto response =
        with_body(bare(visit, status), "application/problem+json", boost::json::serialize(object));
    if (status == http::status::unauthorized) response.set(http::field::www_authenticate, "Bearer");
    return response;
}

Response try_later(const Visit& visit, std::chrono::seconds after)
{
    const auto seconds = std::to_string(after.count());
    auto response =
        problem(visit, http::status::too_many_requests, "Not now: try again in " + seconds + " s.");
    response.set(http::field::retry_after, seconds);
    return response;
}

Response failure(const Visit& visit)
{
    return problem(visit, http::status::internal_server_error,
                   "Something went wrong on this server, perhaps before it was done, perhaps after: look, "
                   "and try again.");
}

Response refusal(http::status status)
{
    Response response(status);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    return with_body(std::move(response), "text/plain; charset=utf-8", std::string(reason(status)) + "\n");
}

bool is_for_programs(std::string_view path) noexcept
{
    return path.starts_with("/api/") || path == "/verify";
}

}  // namespace securelogin::web
