#include "server/web/login_pages.hpp"

#include <string>
#include <utility>

#include "server/web/answers.hpp"
#include "server/web/attempts.hpp"
#include "server/web/forms.hpp"
#include "server/web/login_news.hpp"
#include "server/web/way_back.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

constexpr std::string_view kAccount = "/account";

/// Where a login leads: back to where it was asked for, if that is ours or the operator's.
std::string way_back(const Visit& visit, std::string_view wanted)
{
    const auto own = Origin::of(visit.scheme, visit.header(http::field::host));
    if (!own || wanted.empty()) return {};
    return safe_way_back(wanted, visit.site.back_to, *own).value_or(std::string());
}

Response login_page(const Visit& visit, LoginView view, http::status status)
{
    view.can_register = visit.site.open_registration;
    return page_with_forms(
        visit,
        [&](std::string csrf) {
            view.csrf = std::move(csrf);
            return visit.site.pages.login(view);
        },
        status);
}

Response logged_in(const Visit& visit, const Attempted& attempted, const std::string& back)
{
    const auto& granted = *attempted.outcome.verdict->granted;
    const bool must_change = granted.account.must_change;
    const auto token = granted.token->view();
    // News are told before anything else; the page that tells them leads on.
    const auto news = news_of_login(granted, must_change ? std::string_view() : back);
    const bool astray = back.empty() || must_change || !news.empty();
    auto response = see_other(visit, astray ? account_page_told(visit.site, token, news) : back);
    set_session(response, token);
    set_device(response, attempted);
    return response;
}

}  // namespace

asio::awaitable<Response> show_start(const Visit& visit)
{
    co_return see_other(visit, holder_of(visit) ? kAccount : "/login");
}

asio::awaitable<Response> show_login(const Visit& visit)
{
    const auto query = Form::parse(visit.query());
    const auto back = way_back(visit, query ? (*query)["back"] : std::string_view());
    if (const auto holder = holder_of(visit)) {
        // Who must change the password would be sent back here by a guarded site, for ever.
        const bool astray = back.empty() || holder->must_change;
        co_return see_other(visit, astray ? kAccount : std::string_view(back));
    }
    LoginView view;
    view.back = back;
    co_return login_page(visit, std::move(view), http::status::ok);
}

asio::awaitable<Response> log_in(const Visit& visit)
{
    auto posted = posted_form(visit);
    if (auto* const instead = std::get_if<Response>(&posted)) co_return std::move(*instead);
    const auto& form = std::get<Form>(posted);
    const auto back = way_back(visit, form["back"]);
    const auto attempted = co_await attempt_login(visit, form);
    const auto& outcome = attempted.outcome;
    if (is_granted(outcome)) co_return logged_in(visit, attempted, back);
    LoginView view;
    view.name = form.text("username");
    view.back = back;
    view.notice = notice_of(outcome);
    auto response = login_page(visit, std::move(view), status_of(outcome));
    add_retry_after(response, outcome);
    co_return response;
}

asio::awaitable<Response> show_logout(const Visit& visit)
{
    const auto holder = holder_of(visit);
    if (!holder) co_return see_other(visit, "/login");
    co_return page_with_forms(visit, [&](std::string csrf) {
        const LogoutView view{.csrf = std::move(csrf), .user = holder->who.name.str()};
        return visit.site.pages.logout(view);
    });
}

asio::awaitable<Response> log_out(const Visit& visit)
{
    auto posted = posted_form(visit);
    if (auto* const instead = std::get_if<Response>(&posted)) co_return std::move(*instead);
    const auto holder = holder_of(visit);
    if (holder) {
        const auto session = holder->session(visit);
        co_await visit.site.authenticator.log_out(session);
    }
    const MessageView view{.title = "You are logged out",
                           .text = "The session has ended.",
                           .link = "/login",
                           .link_text = "Log in again"};
    auto response = page(visit, visit.site.pages.message(view));
    clear_session(response);
    co_return response;
}

}  // namespace securelogin::web
