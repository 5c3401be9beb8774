#include "server/web/register_pages.hpp"

#include <memory>
#include <string>
#include <utility>

#include "server/login/attempt_log.hpp"
#include "server/web/answers.hpp"
#include "server/web/attempts.hpp"
#include "server/web/enrolling.hpp"
#include "server/web/forms.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

using Step = login::EnrolmentStep;

Response register_page(const Visit& visit, RegisterView view, http::status status)
{
    return page_with_forms(
        visit,
        [&](std::string csrf) {
            view.csrf = std::move(csrf);
            return visit.site.pages.registration(view);
        },
        status);
}

/// Whoever has an invitation needs no name; where anybody may register, nobody needs an invitation.
bool is_open(const Visit& visit, std::string_view invitation)
{
    return visit.site.open_registration && invitation.empty();
}

Response again(const Visit& visit, const Form& form, std::string why, http::status status)
{
    RegisterView view;
    view.open = is_open(visit, form["invitation"]);
    view.invitation = form.text("invitation");
    view.name = form.text("username");
    view.notice = Notice{.kind = Notice::Kind::problem, .text = std::move(why)};
    return register_page(visit, std::move(view), status);
}

Response not_done(const Visit& visit, const Form& form, const Step& step)
{
    if (step.result == Step::Result::not_judged) {
        const auto seconds = std::to_string(step.retry_after.count());
        auto response =
            again(visit, form, "Not now: try again in " + seconds + " s.", http::status::too_many_requests);
        response.set(http::field::retry_after, seconds);
        return response;
    }
    std::string why = step.refusal ? std::string(auth::sentence_about(*step.refusal)) : step.reason;
    if (why.empty()) why = "That did not work. Check the invitation: it is good once, and not for ever.";
    return again(visit, form, std::move(why), http::status::unprocessable_entity);
}

/// Invitation, or name, and password.
asio::awaitable<Step> begin(const Visit& visit, const Form& form, login::EnrolmentUnderWay& enrolment)
{
    Step begun;
    if (is_open(visit, form["invitation"])) {
        begun = co_await enrolment.begin_open(form["username"]);
    } else {
        auto invitation = form.secret("invitation");
        begun = co_await enrolment.begin(std::move(invitation));
    }
    log_step(visit.site.log, enrolment, begun, "begun", visit.connection, kWebDoor);
    if (begun.result != Step::Result::done) co_return begun;
    auto password = form.secret("password");
    auto chosen = co_await enrolment.choose_password(std::move(password));
    if (chosen.result == Step::Result::not_judged) {
        log_step(visit.site.log, enrolment, chosen, {}, visit.connection, kWebDoor);
    }
    co_return chosen;
}

}  // namespace

asio::awaitable<Response> show_register(const Visit& visit)
{
    const auto query = Form::parse(visit.query());
    RegisterView view;
    if (query) view.invitation = query->text("invitation");
    view.open = is_open(visit, view.invitation);
    co_return register_page(visit, std::move(view), http::status::ok);
}

asio::awaitable<Response> begin_registration(const Visit& visit)
{
    auto posted = posted_form(visit);
    if (auto* const instead = std::get_if<Response>(&posted)) co_return std::move(*instead);
    const auto& form = std::get<Form>(posted);
    if (form["password"] != form["password_again"]) {
        co_return again(visit, form, "The two passwords are not the same.",
                        http::status::unprocessable_entity);
    }
    auto enrolment = std::make_unique<login::EnrolmentUnderWay>(
        visit.site.enrolments, auth::Guest{.source = visit.source, .device = device_of(visit)});
    const auto step = co_await begin(visit, form, *enrolment);
    if (step.result != Step::Result::done) co_return not_done(visit, form, step);
    auto id = std::string(new_cookie_value(visit.site.random).view());
    auto response = page_with_forms(visit, [&](std::string csrf) {
        return visit.site.pages.proof(proof_view(std::move(csrf), id, *enrolment, false, std::nullopt));
    });
    visit.site.under_way.keep(std::move(id), EnrolmentsUnderWay::Purpose::account, std::move(enrolment),
                              binding_of(visit));
    co_return response;
}

asio::awaitable<Response> prove_registration(const Visit& visit)
{
    auto posted = posted_form(visit);
    if (auto* const instead = std::get_if<Response>(&posted)) co_return std::move(*instead);
    const auto& form = std::get<Form>(posted);
    auto enrolment =
        visit.site.under_way.take(form["enrolment"], EnrolmentsUnderWay::Purpose::account, binding_of(visit));
    if (!enrolment) {
        co_return problem(visit, http::status::gone,
                          "This has taken too long: begin again; the invitation is as it was.");
    }
    if (enrolment->is_open() && !visit.site.open_registration) {
        co_return problem(visit, http::status::gone,
                          "Nobody registers without an invitation any more: ask for one.");
    }
    auto code = form.secret("code");
    const auto step = co_await enrolment->prove(std::move(code));
    log_step(visit.site.log, *enrolment, step, "granted", visit.connection, kWebDoor);
    if (step.result == Step::Result::done) {
        auto view = codes_view(enrolment->name()->str(), enrolment->recovery_codes(), true);
        co_return page(visit, visit.site.pages.recovery_codes(view));
    }
    co_return unproved(visit, std::move(enrolment), form.text("enrolment"), step, false);
}

}  // namespace securelogin::web
