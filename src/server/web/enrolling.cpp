#include "server/web/enrolling.hpp"

#include <string_view>
#include <utility>

#include "server/web/answers.hpp"
#include "server/web/form.hpp"
#include "server/web/forms.hpp"

namespace securelogin::web {
namespace {

/// The one parameter of the URI that people type who cannot scan it.
std::string secret_in(std::string_view uri)
{
    const auto query = Form::parse(uri.substr(std::min(uri.size(), uri.find('?') + 1)));
    return query ? query->text("secret") : std::string();
}

std::optional<Notice> notice_of_step(const login::EnrolmentStep& step)
{
    if (step.result == login::EnrolmentStep::Result::not_judged) {
        return Notice{.kind = Notice::Kind::problem,
                      .text = "Not now: try again in " + std::to_string(step.retry_after.count()) + " s."};
    }
    return Notice{
        .kind = Notice::Kind::problem,
        .text = "That code was not right. Check that the clock of your device is, and use a new code."};
}

}  // namespace

ProofView proof_view(std::string csrf, std::string id, const login::EnrolmentUnderWay& enrolment,
                     bool replaces, std::optional<Notice> notice)
{
    const auto uri = enrolment.uri();
    return {.csrf = std::move(csrf),
            .enrolment = std::move(id),
            .user = enrolment.name()->str(),
            .uri = std::string(uri.view()),
            .secret = secret_in(uri.view()),
            .replaces = replaces,
            .notice = std::move(notice)};
}

RecoveryCodesView codes_view(std::string user, std::span<const Secret> codes, bool enrolled)
{
    RecoveryCodesView view{.user = std::move(user), .codes = {}, .enrolled = enrolled};
    for (const auto& code : codes) view.codes.emplace_back(code.view());
    return view;
}

Response unproved(const Visit& visit, EnrolmentsUnderWay::Enrolment enrolment, std::string id,
                  const login::EnrolmentStep& step, bool replaces)
{
    const bool again = step.result == login::EnrolmentStep::Result::not_judged ||
                       step.refusal == auth::EnrolmentRefusal::wrong_code;
    if (!again) {
        return problem(
            visit, http::status::gone,
            replaces ? "The key is as it was: begin again on your account's page."
                     : "This enrolment is over: begin again, with an invitation if you were given one.");
    }
    auto response = page_with_forms(
        visit,
        [&](std::string csrf) {
            return visit.site.pages.proof(
                proof_view(std::move(csrf), id, *enrolment, replaces, notice_of_step(step)));
        },
        http::status::unprocessable_entity);
    const auto purpose =
        replaces ? EnrolmentsUnderWay::Purpose::new_key : EnrolmentsUnderWay::Purpose::account;
    visit.site.under_way.keep(std::move(id), purpose, std::move(enrolment), binding_of(visit));
    return response;
}

}  // namespace securelogin::web
