#include "server/web/programs.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "server/auth/time_text.hpp"
#include "server/web/answers.hpp"
#include "server/web/attempts.hpp"
#include "server/web/credentials.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

namespace json_ = boost::json;

/// RFC 6750 section 2.1.  Empty where there is none, or more than one.
std::string_view bearer_token(const Visit& visit)
{
    const auto field = visit.header(http::field::authorization);
    const auto scheme = field.substr(0, field.find(' '));
    if (visit.request.count(http::field::authorization) != 1 || !is_same_name(scheme, "Bearer")) return {};
    return field.substr(std::min(field.size(), field.find_first_not_of(' ', scheme.size())));
}

Response no_session(const Visit& visit)
{
    return problem(visit, http::status::unauthorized,
                   "Log in: POST /api/v1/login, and show the token as Bearer.");
}

Response granted(const Visit& visit, const auth::Granted& yes)
{
    json_::object object;
    const auto token = yes.token->view();
    object["token"] = json_::string_view(token.data(), token.size());
    object["user"] = yes.account.name.str();
    object["session"] = yes.session.id;
    object["expires"] = auth::to_rfc3339(yes.session.expires_at);
    object["must_change_password"] = yes.account.must_change;
    return json(visit, json_::serialize(object));
}

}  // namespace

asio::awaitable<Response> log_in_program(const Visit& visit)
{
    // A page of another site cannot send this type without having asked (CORS).
    if (!is_media_type(visit.header(http::field::content_type), "application/json")) {
        co_return problem(visit, http::status::unsupported_media_type, "Send application/json.");
    }
    auto credentials = Credentials::parse(visit.request.body());
    if (!credentials) {
        co_return problem(visit, http::status::bad_request,
                          R"(Send {"username": "...", "password": "...", "code": "..."}.)");
    }
    const auto outcome = co_await attempt_login(
        visit, std::move(credentials->name), std::move(credentials->password), std::move(credentials->code));
    if (is_granted(outcome)) co_return granted(visit, *outcome.verdict->granted);
    if (!outcome.verdict) co_return try_later(visit, outcome.retry_after);
    co_return problem(visit, http::status::unauthorized, "Login failed.");
}

asio::awaitable<Response> show_session(const Visit& visit)
{
    const auto token = bearer_token(visit);
    const auto verdict = token.empty() ? auth::TokenVerdict{} : visit.worker.check(token);
    if (!verdict.holder) co_return no_session(visit);
    json_::object object;
    object["user"] = verdict.holder->name.str();
    object["session"] = verdict.holder->session;
    object["expires"] = auth::to_rfc3339(verdict.holder->expires_at);
    co_return json(visit, json_::serialize(object));
}

/// Who must change the password may still leave.
asio::awaitable<Response> end_session(const Visit& visit)
{
    const auto token = bearer_token(visit);
    const auto verdict = token.empty() ? auth::TokenVerdict{} : visit.worker.check(token);
    const auto& holder = verdict.holder ? verdict.holder : verdict.confined;
    if (!holder) co_return no_session(visit);
    const auto session = session_of(*holder, visit.source);
    co_await visit.site.authenticator.log_out(session);
    co_return empty(visit, http::status::no_content);
}

}  // namespace securelogin::web
