#include "server/web/attempts.hpp"

#include <utility>

#include "server/auth/device.hpp"
#include "server/login/attempt_log.hpp"
#include "server/web/cookies.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

Secret device_cookie(const Visit& visit)
{
    const auto shown = cookie(visit.request, kDeviceCookie);
    return is_cookie_value(shown) ? Secret::copy_of(shown) : new_cookie_value(visit.site.random);
}

}  // namespace

asio::awaitable<Attempted> attempt_login(const Visit& visit, const Form& form)
{
    Attempted attempted{.outcome = {}, .device = device_cookie(visit)};
    const auto device = device_of(attempted.device.view());
    const auto& authenticator = visit.site.authenticator;
    auto password = form.secret("password");
    auto code = form.secret("code");
    auto attempt = co_await authenticator.admit(form["username"], visit.source, device);
    attempt.start_hashing(std::move(password));
    attempted.outcome = co_await attempt.decide_with_token(std::move(code));
    log_attempt(visit.site.log, "login", attempt.claim(), attempted.outcome, visit.connection, kWebDoor);
    co_await attempt.hold(attempted.outcome);
    co_return attempted;
}

asio::awaitable<login::Outcome> attempt_login(const Visit& visit, std::string name, Secret password,
                                              Secret code)
{
    const std::optional<auth::DeviceFingerprint> no_device;
    auto attempt = co_await visit.site.authenticator.admit(name, visit.source, no_device);
    attempt.start_hashing(std::move(password));
    auto outcome = co_await attempt.decide_with_token(std::move(code));
    log_attempt(visit.site.log, "login", attempt.claim(), outcome, visit.connection, kWebDoor);
    co_await attempt.hold(outcome);
    co_return outcome;
}

asio::awaitable<login::Outcome> confirm(const Visit& visit, const Holder& holder, const Form& form)
{
    const auto device = device_of(visit);
    auto password = form.secret("password");
    auto code = form.secret("code");
    const auto session = holder.session(visit);
    auto attempt = co_await visit.site.authenticator.admit(holder.who.name.str(), visit.source, device);
    attempt.start_hashing(std::move(password));
    auto outcome = co_await attempt.confirm(std::move(code), session);
    log_attempt(visit.site.log, "confirm", attempt.claim(), outcome, visit.connection, kWebDoor);
    co_await attempt.hold(outcome);
    co_return outcome;
}

Notice notice_of(const login::Outcome& outcome)
{
    const auto problem = Notice::Kind::problem;
    if (outcome.verdict)
        return {problem, "That was not right. Check name, password and code, and use a new code."};
    return {problem, "Not now: try again in " + std::to_string(outcome.retry_after.count()) + " s."};
}

http::status status_of(const login::Outcome& outcome)
{
    return outcome.verdict ? http::status::unauthorized : http::status::too_many_requests;
}

void add_retry_after(Response& response, const login::Outcome& outcome)
{
    if (outcome.verdict) {
        response.set(http::field::www_authenticate, "Bearer");
    } else {
        response.set(http::field::retry_after, std::to_string(outcome.retry_after.count()));
    }
}

void set_session(Response& response, std::string_view token)
{
    response.insert(http::field::set_cookie, set_cookie(kSessionCookie, token));
}

void clear_session(Response& response)
{
    response.insert(http::field::set_cookie, clear_cookie(kSessionCookie));
}

void set_device(Response& response, const Attempted& attempted)
{
    response.insert(http::field::set_cookie,
                    set_cookie(kDeviceCookie, attempted.device.view(), auth::kDevicesForgotten));
}

}  // namespace securelogin::web
