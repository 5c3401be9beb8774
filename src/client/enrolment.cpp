#include "client/enrolment.hpp"

#include <algorithm>
#include <utility>

#include "client/messages.hpp"

namespace securelogin::client {
namespace {

constexpr std::string_view kVerb = "ENROL ";
constexpr std::string_view kStillGood =
    "nothing has changed, and the invitation is good until it expires: run the command again";

ExitCode exit_code_of(const Reply& refusal)
{
    return refusal.code == code::kTryLater ? ExitCode::try_later : ExitCode::login_failed;
}

/// The URI in a question for the first code; empty where it has none.
Secret take_uri(Reply& question)
{
    constexpr std::string_view scheme = "otpauth://";
    Secret uri;
    for (auto& [key, value] : question.facts) {
        if (key != "otpauth") continue;
        if (uri.empty() && value.starts_with(scheme)) uri = Secret::copy_of(value);
        wipe(value);
    }
    return uri;
}

bool has_recovery_codes(const Reply& enrolled)
{
    return std::ranges::any_of(enrolled.facts,
                               [](const auto& fact) { return fact.first == "recovery-code"; });
}

}  // namespace

void Enrolment::run()
{
    try {
        (void)expect({code::kGreeting}, plan_.patience.greeting);
        show_invitation();
        choose_password();
        prove();
    } catch (const ConnectionLost& lost) {
        // After a 530 it is the enrolment that has failed, however the server then ended the connection.
        if (refused_) throw Failure(ExitCode::login_failed, lost.what());
        throw;
    }
}

/// Until one is accepted.
void Enrolment::show_invitation()
{
    for (;;) {
        (void)expect({code::kUsernameWanted}, plan_.patience.question);
        if (refused_ || throttled_) require_another_attempt();
        ask(Wanted::invitation, "Invitation:", kVerb);
        const auto reply =
            expect({code::kNewPasswordWanted, code::kRefused, code::kTryLater, code::kPasswordWanted},
                   plan_.patience.verdict);
        if (reply.code == code::kNewPasswordWanted) break;
        if (reply.code == code::kPasswordWanted) {
            server_.broke_the_protocol("takes an invitation for a user's name, and knows no enrolment");
        }
        (reply.code == code::kRefused ? refused_ : throttled_) = true;
        display_.complain("enrolling at " + plan_.place, refusal(reply));
    }
    refused_ = throttled_ = false;
}

/// REQUIRES: 333 has been read.
void Enrolment::choose_password()
{
    for (;;) {
        ask(Wanted::new_password, "New password:");
        auto reply = expect({code::kCodeWanted, code::kPasswordRefused, code::kTryLater, code::kBadArguments},
                            plan_.patience.verdict);
        if (reply.code == code::kCodeWanted) {
            const auto uri = take_uri(reply);
            if (uri.empty()) server_.broke_the_protocol("asks for a code, and gives no key to make one of");
            return picture_.show(uri, display_);
        }
        if (reply.code == code::kBadArguments) {
            give_up(ExitCode::login_failed, "cancelled; " + std::string(kStillGood));
        }
        go_on_after(reply, code::kNewPasswordWanted, "no password was accepted");
    }
}

/// REQUIRES: the first 332 has been read.
void Enrolment::prove()
{
    for (;;) {
        ask(Wanted::code, "Code:");
        const auto reply = expect({code::kDone, code::kRefused, code::kTryLater}, plan_.patience.verdict);
        if (reply.code == code::kDone) return finish(reply);
        go_on_after(reply, code::kCodeWanted, "no code was right");
        display_.say("Is the clock of the phone right?  A code is good for half a minute.");
    }
}

void Enrolment::finish(const Reply& enrolled)
{
    picture_.keep();
    display_.say("Enrolled.");
    display_.results(result_lines(enrolled));
    if (has_recovery_codes(enrolled)) {
        display_.say(
            "Keep the recovery codes where the phone is not: each of them lets you in once, in the place of "
            "a code, with your password.");
    }
    display_.say("Log in with the next code: securelogin " + plan_.place);
}

void Enrolment::go_on_after(const Reply& refused, int again, const std::string& otherwise)
{
    display_.complain("enrolling at " + plan_.place, refusal(refused));
    const auto next = expect({again, code::kUsernameWanted}, plan_.patience.question);
    if (next.code != again) give_up(exit_code_of(refused), otherwise + "; " + std::string(kStillGood));
}

void Enrolment::require_another_attempt()
{
    switch (answers_.another_attempt()) {
        case Answer::Kind::given:
            return;
        case Answer::Kind::server_spoke:
            interrupted_by_server();
        case Answer::Kind::end_of_input:
            give_up(refused_ ? ExitCode::login_failed : ExitCode::try_later, "the answers ended");
    }
}

void Enrolment::ask(Wanted wanted, std::string_view text, std::string_view verb)
{
    if (server_.has_spoken()) interrupted_by_server();
    const auto answer = answers_.ask(wanted, prompt(plan_.place, text));
    if (answer.kind == Answer::Kind::server_spoke) interrupted_by_server();
    if (answer.kind == Answer::Kind::end_of_input) give_up(ExitCode::login_failed, "the answers ended");
    Secret line(verb.size() + answer.line.size());
    const auto rest = std::ranges::copy(verb, line.chars().begin()).out;
    std::ranges::copy(answer.line.view(), rest);
    if (check_line(line.view())) give_up(ExitCode::usage, "that is too long to be sent");
    server_.send(line.view());
}

Reply Enrolment::expect(std::initializer_list<int> codes, std::chrono::milliseconds patience)
{
    auto reply = server_.next_reply(patience);
    if (std::ranges::find(codes, reply.code) != codes.end()) return reply;
    if (reply.code == code::kClosing) {
        throw ConnectionLost(ExitCode::try_later,
                             "enrolling at " + plan_.place + ": the server closes: " + refusal(reply));
    }
    server_.broke_the_protocol("sent a " + std::to_string(reply.code) + " that is out of place here");
}

/// The server said something while it was to wait for us: only a farewell is in order.
void Enrolment::interrupted_by_server()
{
    (void)expect({}, plan_.patience.question);
    server_.broke_the_protocol("spoke out of turn");
}

void Enrolment::give_up(ExitCode code, const std::string& why) const
{
    throw Failure(code, "enrolling at " + plan_.place + ": " + why);
}

}  // namespace securelogin::client
