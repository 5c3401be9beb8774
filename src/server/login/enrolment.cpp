#include "server/login/enrolment.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "server/login/async_enrolment.hpp"
#include "server/login/attempt_log.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

using Result = EnrolmentStep::Result;

constexpr int kPasswordTries = 3;
constexpr int kCodeTries = 3;

Reply no(const EnrolmentStep& step)
{
    if (step.result == Result::refused) return {.code = code::kRefused, .text = "Enrolment failed"};
    return {.code = code::kTryLater,
            .text = "Not now, try again later",
            .facts = {{"retry-after", std::to_string(step.retry_after.count())}}};
}

/// True when one has been accepted; else what became of it has been said.
asio::awaitable<bool> choose_password(Peer& peer, EventLog& log, EnrolmentUnderWay& enrolment)
{
    for (int tries = 0; tries < kPasswordTries; ++tries) {
        peer.say({.code = code::kNewPasswordWanted, .text = "New password:"});
        auto password = co_await peer.answer(Peer::Patience::enrolment);
        if (password.empty()) {
            peer.say({.code = code::kBadArguments, .text = "Cancelled; the invitation is as it was"});
            co_return false;
        }
        const auto step = co_await enrolment.choose_password(std::move(password));
        if (step.result == Result::done) co_return true;
        if (step.result == Result::refused) {
            peer.say({.code = code::kPasswordRefused, .text = "New password refused: " + step.reason});
        } else {
            log_step(log, enrolment, step, {}, peer.connection());
            peer.say(no(step));
        }
    }
    co_return false;
}

/// The key, which is a secret: no copy of ours is left.
void ask_for_first_code(Peer& peer, const EnrolmentUnderWay& enrolment)
{
    const auto uri = enrolment.uri();
    Reply question{.code = code::kCodeWanted, .text = "Code:"};
    question.facts.emplace_back("otpauth", uri.view());  // in its place: a list would be copied from
    peer.say(question);
    forget_values(question);
}

void congratulate(Peer& peer, const EnrolmentUnderWay& enrolment)
{
    Reply reply{.code = code::kDone, .text = "Enrolled", .facts = {{"user", enrolment.name()->str()}}};
    add_recovery_codes(reply, enrolment.recovery_codes());
    peer.say(reply);
    forget_values(reply);
}

/// True when the account is there.
asio::awaitable<bool> prove(Peer& peer, EventLog& log, EnrolmentUnderWay& enrolment)
{
    ask_for_first_code(peer, enrolment);
    for (int tries = 1;; ++tries) {
        auto code = co_await peer.answer(Peer::Patience::enrolment);
        const auto step = co_await enrolment.prove(std::move(code));
        log_step(log, enrolment, step, "granted", peer.connection());
        if (step.result == Result::done) {
            congratulate(peer, enrolment);
            co_return true;
        }
        peer.say(no(step));
        const bool may_yet =
            step.result == Result::not_judged || step.refusal == auth::EnrolmentRefusal::wrong_code;
        if (!may_yet || tries == kCodeTries) co_return false;
        peer.say({.code = code::kCodeWanted, .text = "Code:"});
    }
}

}  // namespace

std::optional<Secret> invitation_in(std::string_view answer)
{
    constexpr std::string_view verb = "enrol ";
    if (auth::fold_case(answer.substr(0, verb.size())) != verb) return std::nullopt;
    return Secret::copy_of(answer.substr(verb.size()));
}

asio::awaitable<bool> enrol(Peer& peer, const Setting& setting, Secret invitation)
{
    auth::Guest guest{.source = peer.source(), .device = peer.device()};
    EnrolmentUnderWay enrolment(*setting.enrolments, std::move(guest));
    const auto begun = co_await enrolment.begin(std::move(invitation));
    log_step(setting.log, enrolment, begun, "begun", peer.connection());
    if (begun.result != Result::done) {
        peer.say(no(begun));
        co_return false;
    }
    const bool has_password = co_await choose_password(peer, setting.log, enrolment);
    if (!has_password) co_return false;
    const bool enrolled = co_await prove(peer, setting.log, enrolment);
    co_return enrolled;
}

}  // namespace securelogin::login
