#include "server/web/account_pages.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "server/auth/sessions.hpp"
#include "server/auth/time_text.hpp"
#include "server/login/attempt_log.hpp"
#include "server/web/answers.hpp"
#include "server/web/attempts.hpp"
#include "server/web/enrolling.hpp"
#include "server/web/forms.hpp"
#include "server/web/login_news.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

using Section = AccountView::Form;

constexpr std::string_view kLoginFirst = "/login?back=%2Faccount";

/// What has just been done, as the page that the browser is led to is asked to tell it.
struct Done {
    std::string_view what;
    std::string_view told;
    Section section;
};
constexpr std::array kDone{
    Done{"password", "The password has been changed; your other sessions have ended.", Section::password},
    Done{"totp", "The new key is in use; your other sessions have ended.", Section::totp},
    Done{"sessions", "Done.", Section::sessions},
    Done{"devices", "The device is forgotten.", Section::devices},
};

/// A form of the account's page that may be acted on.
struct Order {
    Form form;
    Holder holder;
};

/// Who must change the password gives no other order.
enum class Giver { anybody, full_holder };

std::variant<Order, Response> order_of(const Visit& visit, Giver giver = Giver::full_holder)
{
    auto posted = posted_form(visit);
    if (auto* const instead = std::get_if<Response>(&posted)) return std::move(*instead);
    auto holder = holder_of(visit);
    if (!holder) return see_other(visit, kLoginFirst);
    if (holder->must_change && giver == Giver::full_holder) return see_other(visit, "/account");
    return Order{.form = std::get<Form>(std::move(posted)), .holder = *std::move(holder)};
}

SessionRow row_of(const auth::Session& session, bool own)
{
    return {.id = session.id,
            .opened = auth::to_rfc3339(session.opened_at),
            .last_used = auth::to_rfc3339(session.last_used_at),
            .expires = auth::to_rfc3339(session.expires_at),
            .source = session.source,
            .own = own,
            .token = session.has_token && !own};
}

DeviceRow row_of(const auth::Device& device, const std::optional<auth::DeviceFingerprint>& own)
{
    return {.id = auth::short_form(device.fingerprint),
            .first_seen = auth::to_rfc3339(device.first_seen),
            .last_seen = auth::to_rfc3339(device.last_seen),
            .source = device.source,
            .own = own && *own == device.fingerprint};
}

void list_sessions(std::span<const auth::Session> sessions, const auth::Session& own, AccountView& view)
{
    const auto listed = std::min(sessions.size(), auth::kMostSessionsListed);
    for (const auto& one : sessions.first(listed)) view.sessions.push_back(row_of(one, one.id == own.id));
    view.more_sessions = sessions.size() - listed;
}

/// Fills in what the database knows.  False when the session has ended.
asio::awaitable<bool> look_up(const Visit& visit, const Holder& holder, AccountView& view)
{
    const auto session = holder.session(visit);
    const auto& authenticator = visit.site.authenticator;
    const auto account = co_await authenticator.account(holder.who.name, session);
    if (!account) co_return false;
    if (const auto& last = account->account.last_login) {
        view.last_login = auth::to_rfc3339(last->at);
        view.last_login_source = last->source;
    }
    view.recovery_codes_left = account->recovery_codes;
    if (holder.must_change) co_return true;
    const auto sessions = co_await authenticator.sessions(session);
    const auto devices = co_await authenticator.devices(session);
    if (!sessions || !devices) co_return false;
    list_sessions(*sessions, session, view);
    for (const auto& one : *devices) view.devices.push_back(row_of(one, device_of(visit)));
    co_return true;
}

asio::awaitable<Response> account_page(const Visit& visit, const Holder& holder, Section open,
                                       std::optional<Notice> notice, http::status status)
{
    AccountView view;
    view.user = holder.who.name.str();
    view.must_change = holder.must_change;
    view.open = open;
    view.notice = std::move(notice);
    const bool stands = co_await look_up(visit, holder, view);
    if (!stands) co_return see_other(visit, kLoginFirst);
    co_return page_with_forms(
        visit,
        [&](std::string csrf) {
            view.csrf = std::move(csrf);
            return visit.site.pages.account(view);
        },
        status);
}

asio::awaitable<Response> refused(const Visit& visit, const Order& order, Section section, std::string why)
{
    std::optional<Notice> notice = Notice{.kind = Notice::Kind::problem, .text = std::move(why)};
    auto response = co_await account_page(visit, order.holder, section, std::move(notice),
                                          http::status::unprocessable_entity);
    co_return response;
}

/// Nothing when the holder has proved to be that once more; else the answer.
asio::awaitable<std::optional<Response>> prove_again(const Visit& visit, const Order& order, Section section)
{
    const auto outcome = co_await confirm(visit, order.holder, order.form);
    if (is_granted(outcome)) co_return std::nullopt;
    std::optional<Notice> notice = notice_of(outcome);
    if (outcome.verdict) notice->text = "That was not right. Check password and code, and use a new code.";
    auto response =
        co_await account_page(visit, order.holder, section, std::move(notice), status_of(outcome));
    add_retry_after(response, outcome);
    co_return response;
}

/// Led to the page anew: loading that again does nothing again.
Response done(const Visit& visit, std::string_view what, std::string_view cookie)
{
    return see_other(visit, account_page_told(visit.site, cookie, "done=" + std::string(what)));
}

Response done(const Visit& visit, std::string_view what) { return done(visit, what, binding_of(visit)); }

/// What has ended all sessions, and begun a new one for who did it.
Response done_anew(const Visit& visit, std::string_view what, const Secret& token)
{
    auto response = done(visit, what, token.view());
    set_session(response, token.view());
    return response;
}

asio::awaitable<Response> set_password(const Visit& visit, const Order& order)
{
    const auto session = order.holder.session(visit);
    const auto device = device_of(visit);
    auto typed = order.form.secret("new_password");
    using Authenticator = login::AsyncAuthenticator;
    const auto proof =
        order.holder.must_change ? Authenticator::Proof::of_login : Authenticator::Proof::present;
    const auto change = co_await visit.site.authenticator.change_password(
        order.holder.who.name, session, device, std::move(typed), Authenticator::NewToken::issue, proof);
    log_change(visit.site.log, change, order.holder.who.name, visit.source, visit.connection, kWebDoor);
    using Result = login::PasswordChange::Result;
    if (change.result == Result::session_ended) co_return see_other(visit, kLoginFirst);
    if (change.result == Result::try_later) co_return try_later(visit, change.retry_after);
    if (change.result == Result::refused) {
        auto response = co_await refused(visit, order, Section::password, change.reason);
        co_return response;
    }
    co_return done_anew(visit, "password", *change.token);
}

Response key_page(const Visit& visit, const login::EnrolmentUnderWay& enrolment, std::string id,
                  std::optional<Notice> notice)
{
    return page_with_forms(visit, [&](std::string csrf) {
        return visit.site.pages.proof(
            proof_view(std::move(csrf), std::move(id), enrolment, true, std::move(notice)));
    });
}

}  // namespace

asio::awaitable<Response> show_account(const Visit& visit)
{
    const auto holder = holder_of(visit);
    if (!holder) co_return see_other(visit, kLoginFirst);
    const auto proved = visit.site.forgery_guard.check_query(binding_of(visit), visit.query());
    const auto query = proved ? Form::parse(*proved) : std::nullopt;
    const auto what = query ? (*query)["done"] : std::string_view();
    const auto* const told = std::ranges::find(kDone, what, &Done::what);
    auto notice = query ? told_of_login(*query) : std::nullopt;
    auto section = Section::none;
    if (told != kDone.end()) {
        notice = Notice{.kind = Notice::Kind::done, .text = std::string(told->told)};
        section = told->section;
    }
    auto response = co_await account_page(visit, *holder, section, std::move(notice), http::status::ok);
    co_return response;
}

asio::awaitable<Response> change_password(const Visit& visit)
{
    auto ordered = order_of(visit, Giver::anybody);
    if (auto* const instead = std::get_if<Response>(&ordered)) co_return std::move(*instead);
    const auto& order = std::get<Order>(ordered);
    if (order.form["new_password"] != order.form["new_password_again"]) {
        std::string why = "The two new passwords are not the same.";
        auto response = co_await refused(visit, order, Section::password, std::move(why));
        co_return response;
    }
    // Who must change it has given password and code in the login that led here; what more is tried is
    // charged (Proof::of_login).
    if (!order.holder.must_change) {
        auto instead = co_await prove_again(visit, order, Section::password);
        if (instead) co_return std::move(*instead);
    }
    auto response = co_await set_password(visit, order);
    co_return response;
}

asio::awaitable<Response> begin_new_key(const Visit& visit)
{
    auto ordered = order_of(visit);
    if (auto* const instead = std::get_if<Response>(&ordered)) co_return std::move(*instead);
    const auto& order = std::get<Order>(ordered);
    auto instead = co_await prove_again(visit, order, Section::totp);
    if (instead) co_return std::move(*instead);
    const auto session = order.holder.session(visit);
    auto enrolment = std::make_unique<login::EnrolmentUnderWay>(
        visit.site.enrolments, auth::Guest{.source = visit.source, .device = device_of(visit)});
    const auto begun = co_await enrolment->begin_replacement(order.holder.who.name, session);
    if (begun.result == login::EnrolmentStep::Result::not_judged)
        co_return try_later(visit, begun.retry_after);
    if (begun.result != login::EnrolmentStep::Result::done) co_return see_other(visit, kLoginFirst);
    auto id = std::string(new_cookie_value(visit.site.random).view());
    auto response = key_page(visit, *enrolment, id, std::nullopt);
    visit.site.under_way.keep(std::move(id), EnrolmentsUnderWay::Purpose::new_key, std::move(enrolment),
                              binding_of(visit));
    co_return response;
}

asio::awaitable<Response> prove_new_key(const Visit& visit)
{
    auto ordered = order_of(visit);
    if (auto* const instead = std::get_if<Response>(&ordered)) co_return std::move(*instead);
    const auto& order = std::get<Order>(ordered);
    const auto& form = order.form;
    auto enrolment =
        visit.site.under_way.take(form["enrolment"], EnrolmentsUnderWay::Purpose::new_key, binding_of(visit));
    if (!enrolment) {
        co_return problem(visit, http::status::gone,
                          "This has taken too long: begin again on your account's page.");
    }
    auto code = form.secret("code");
    const auto step = co_await enrolment->prove(std::move(code));
    log_step(visit.site.log, *enrolment, step, "granted", visit.connection, kWebDoor);
    if (step.result == login::EnrolmentStep::Result::done) {
        co_return done_anew(visit, "totp", *enrolment->token());
    }
    auto response = unproved(visit, std::move(enrolment), form.text("enrolment"), step, true);
    co_return response;
}

asio::awaitable<Response> replace_recovery_codes(const Visit& visit)
{
    auto ordered = order_of(visit);
    if (auto* const instead = std::get_if<Response>(&ordered)) co_return std::move(*instead);
    const auto& order = std::get<Order>(ordered);
    auto instead = co_await prove_again(visit, order, Section::recovery_codes);
    if (instead) co_return std::move(*instead);
    const auto session = order.holder.session(visit);
    const auto& name = order.holder.who.name;
    const auto codes = co_await visit.site.authenticator.replace_recovery_codes(name, session);
    if (!codes) co_return see_other(visit, kLoginFirst);
    login::log_recovery_codes(visit.site.log, name, visit.source, visit.connection, kWebDoor);
    co_return page(visit, visit.site.pages.recovery_codes(codes_view(name.str(), *codes, false)));
}

asio::awaitable<Response> end_sessions(const Visit& visit)
{
    auto ordered = order_of(visit);
    if (auto* const instead = std::get_if<Response>(&ordered)) co_return std::move(*instead);
    const auto& order = std::get<Order>(ordered);
    auto instead = co_await prove_again(visit, order, Section::sessions);
    if (instead) co_return std::move(*instead);
    const auto session = order.holder.session(visit);
    auto which = order.form.text("session");
    if (which == session.id) {
        co_await visit.site.authenticator.log_out(session);
        auto response = see_other(visit, "/login");
        clear_session(response);
        co_return response;
    }
    const bool all = which == auth::kAllSessions;
    const auto ended = co_await visit.site.authenticator.revoke(session, std::move(which));
    if (!ended) co_return see_other(visit, kLoginFirst);
    if (*ended == 0 && !all) {
        std::string why = "You have no such session.";
        auto response = co_await refused(visit, order, Section::sessions, std::move(why));
        co_return response;
    }
    if (*ended > 0) {
        login::log_revoked(visit.site.log, *ended, order.holder.who.name, visit.source, visit.connection,
                           kWebDoor);
    }
    co_return done(visit, "sessions");
}

asio::awaitable<Response> forget_device(const Visit& visit)
{
    auto ordered = order_of(visit);
    if (auto* const instead = std::get_if<Response>(&ordered)) co_return std::move(*instead);
    const auto& order = std::get<Order>(ordered);
    auto instead = co_await prove_again(visit, order, Section::devices);
    if (instead) co_return std::move(*instead);
    const auto session = order.holder.session(visit);
    auto which = order.form.text("device");
    const auto forgotten = co_await visit.site.authenticator.forget_device(session, std::move(which));
    if (!forgotten) co_return see_other(visit, kLoginFirst);
    if (!*forgotten) {
        std::string why = "You have no such device.";
        auto response = co_await refused(visit, order, Section::devices, std::move(why));
        co_return response;
    }
    co_return done(visit, "devices");
}

}  // namespace securelogin::web
