#include "server/web/answers.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

namespace securelogin::web {
namespace {

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kSoon = "1";  // s

Response bare(std::string_view scheme, http::status status)
{
    Response response(status);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy",
                 "same-origin");  // and not no-referrer: forms would come from Origin: null
    response.set("Cross-Origin-Resource-Policy", "same-origin");
    if (scheme == "https") {
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

Response page_for(const Asked& asked, std::string html, http::status status)
{
    auto response = bare(asked.scheme, status);
    // Browsers hold a form's action to where its answer leads, too: to where a login may lead back.
    std::string policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'";
    for (const auto& origin : asked.site.back_to) policy += ' ' + origin.text();
    response.set("Content-Security-Policy", policy);
    response.set("X-Frame-Options", "DENY");
    response.set("Cross-Origin-Opener-Policy", "same-origin");
    response.set("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
    return with_body(std::move(response), kHtml, std::move(html));
}

Response explained(const Asked& asked, http::status status, std::string_view what_to_do)
{
    if (!is_for_programs(asked.path)) {
        const MessageView view{.title = std::string(reason(status)),
                               .text = std::string(what_to_do),
                               .link = "/login",
                               .link_text = "Log in"};
        return page_for(asked, asked.site.pages.message(view), status);
    }
    const boost::json::object object{{"type", "about:blank"},
                                     {"title", boost::json::string_view(reason(status))},
                                     {"status", static_cast<unsigned>(status)},
                                     {"detail", boost::json::string_view(what_to_do)}};
    return with_body(bare(asked.scheme, status), "application/problem+json", boost::json::serialize(object));
}

Response problem_for(const Asked& asked, http::status status, std::string_view what_to_do)
{
    auto response = explained(asked, status, what_to_do);
    if (status == http::status::unauthorized) response.set(http::field::www_authenticate, "Bearer");
    return response;
}

Asked asked_by(const Visit& visit)
{
    return {.site = visit.site, .scheme = visit.scheme, .path = visit.path()};
}

/// Of what is refused unread.  The lengths are RequestReader's.
std::string_view what_to_do(http::status status)
{
    using enum http::status;
    switch (status) {
        case unauthorized:
            return "The proxy in front of this server does not say in X-Forwarded-For who asks: tell whoever "
                   "runs it.";
        case request_timeout:
            return "The request took too long to arrive: send it again.";
        case length_required:
            return "Send the request with a Content-Length, and without a Transfer-Encoding.";
        case payload_too_large:
            return "What was sent is longer than 16 KiB: shorten it, and send it again.";
        case uri_too_long:
            return "The address is longer than 4 KiB: shorten it.";
        case request_header_fields_too_large:
            return "The headers are too many or too long: remove the cookies of this site, and try again.";
        case service_unavailable:
            return "This server has too many visitors: try again in a moment.";
        case http_version_not_supported:
            return "Send the request as HTTP/1.1.";
        default:
            return "The request is malformed: load the page again; a program is to send it as RFC 9112 has "
                   "it.";
    }
}

}  // namespace

Response page(const Visit& visit, std::string html, http::status status)
{
    return page_for(asked_by(visit), std::move(html), status);
}

Response see_other(const Visit& visit, std::string_view location)
{
    auto response = bare(visit.scheme, http::status::see_other);
    response.set(http::field::location, location);
    return response;
}

/// A page of before an upgrade may ask for another version than there is: it is not to keep this one for
/// that.
Response asset(const Visit& visit, std::string_view type, const Asset& its)
{
    auto response = bare(visit.scheme, http::status::ok);
    const bool asked_for = visit.query() == "v=" + std::string(its.version);
    response.set(http::field::cache_control, asked_for ? "public, max-age=31536000, immutable" : "no-cache");
    return with_body(std::move(response), type, std::string(its.octets));
}

Response json(const Visit& visit, std::string text, http::status status)
{
    return with_body(bare(visit.scheme, status), "application/json", std::move(text));
}

Response empty(const Visit& visit, http::status status) { return bare(visit.scheme, status); }

Response problem(const Visit& visit, http::status status, std::string_view what_to_do)
{
    return problem_for(asked_by(visit), status, what_to_do);
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

Response refusal(const Asked& asked, http::status status)
{
    auto response = problem_for(asked, status, what_to_do(status));
    if (status == http::status::service_unavailable) response.set(http::field::retry_after, kSoon);
    return response;
}

Response farewell()
{
    constexpr auto status = http::status::service_unavailable;
    auto response = bare("http", status);
    response.set(http::field::retry_after, kSoon);
    std::string html = "<!doctype html><html lang=\"en\"><title>";
    html += reason(status);
    html += "</title><p>";
    html += what_to_do(status);
    html += '\n';
    return with_body(std::move(response), kHtml, std::move(html));
}

bool is_for_programs(std::string_view path) noexcept
{
    return path.starts_with("/api/") || path == "/verify";
}

}  // namespace securelogin::web
