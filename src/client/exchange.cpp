#include "client/exchange.hpp"

#include <strings.h>

#include <algorithm>

#include "client/messages.hpp"

namespace securelogin::client {
namespace {

constexpr int kMostQuestions = 16;       // that one command may ask before it must be done
constexpr int kNewPasswordAttempts = 3;  // docs/protocol.md, PASSWD

Wanted wanted_by(int question)
{
    switch (question) {
        case code::kUsernameWanted:
            return Wanted::username;
        case code::kPasswordWanted:
            return Wanted::password;
        case code::kNewPasswordWanted:
            return Wanted::new_password;
        default:
            return Wanted::code;
    }
}

ExitCode exit_code_of(int refusal)
{
    switch (refusal) {
        case code::kTryLater:
            return ExitCode::try_later;
        case code::kBadArguments:
        case code::kUnknownCommand:
            return ExitCode::usage;
        default:
            return ExitCode::login_failed;
    }
}

bool is_blank(std::string_view line) { return line.find_first_not_of(' ') == std::string_view::npos; }

}  // namespace

ExitCode Exchange::run()
{
    try {
        log_in();
        return do_what_is_to_be_done();
    } catch (const ConnectionLost& lost) {
        // After a 530 it is the login that has failed, however the server then ended the connection.
        if (refused_) throw Failure(ExitCode::login_failed, lost.what());
        throw;
    }
}

void Exchange::log_in()
{
    (void)expect({code::kGreeting}, plan_.patience.greeting);
    for (;;) {
        const auto verdict = attempt();
        if (verdict.code == code::kLoggedIn) return greet(verdict);
        note_refusal(verdict);
    }
}

/// Three questions, then one verdict: docs/protocol.md allows no other order.
Reply Exchange::attempt()
{
    const auto name = expect({code::kUsernameWanted}, plan_.patience.question);
    if (refused_ || throttled_) require_another_attempt();
    answer(name);
    answer(expect({code::kPasswordWanted}, plan_.patience.question));
    answer(expect({code::kCodeWanted}, plan_.patience.question));
    return expect({code::kLoggedIn, code::kRefused, code::kTryLater}, plan_.patience.verdict);
}

void Exchange::require_another_attempt()
{
    switch (answers_.another_attempt()) {
        case Answer::Kind::given:
            return;
        case Answer::Kind::server_spoke:
            interrupted_by_server();
        case Answer::Kind::end_of_input:
            input_ended();
    }
}

void Exchange::note_refusal(const Reply& reply)
{
    (reply.code == code::kRefused ? refused_ : throttled_) = true;
    display_.complain(doing(), refusal(reply));
}

void Exchange::greet(const Reply& logged_in)
{
    logged_in_ = true;
    refused_ = false;
    if (!plan_.command && display_.interactive()) {
        for (const auto& line : welcome(logged_in)) display_.say(line);
    } else if (!plan_.command) {
        display_.results(result_lines(logged_in));
    }
    if (const auto warning = failures_warning(logged_in)) display_.warn(*warning);
    if (const auto warning = worn_key_warning(logged_in)) display_.warn(*warning);
    if (const auto warning = recovery_codes_warning(logged_in)) display_.warn(*warning);
    must_change_ = must_change_password(logged_in);
    if (must_change_) {
        display_.warn("Your password has to be changed before anything else can be done (passwd).");
    }
}

ExitCode Exchange::do_what_is_to_be_done()
{
    // A person is asked at once; a script that does not know of it is told.  Where it comes to no new
    // password, the server refuses what else is asked.
    const bool asked_for = plan_.command && ::strcasecmp(plan_.command->c_str(), "passwd") == 0;
    if (must_change_ && display_.interactive() && !asked_for) (void)run_command("PASSWD");
    if (!plan_.command) return follow_commands();
    const auto result = run_command(*plan_.command);
    say_goodbye();
    return result;
}

ExitCode Exchange::follow_commands()
{
    while (!left_) {
        if (server_.has_spoken()) interrupted_by_server();
        const auto command = answers_.next_command();
        if (command.kind == Answer::Kind::server_spoke) interrupted_by_server();
        if (command.kind == Answer::Kind::end_of_input) say_goodbye();
        // What a command comes to is told; only the one on the command line decides the exit code.
        if (command.kind == Answer::Kind::given && !is_blank(command.line.view()))
            (void)run_command(command.line.view());
    }
    return ExitCode::success;
}

ExitCode Exchange::run_command(std::string_view line)
{
    server_.send(line);
    int refused_passwords = 0;
    for (int questions = 0; questions < kMostQuestions; ++questions) {
        const auto reply =
            expect({code::kHelp, code::kDone, code::kBye, code::kPasswordWanted, code::kCodeWanted,
                    code::kNewPasswordWanted, code::kTryLater, code::kBadArguments, code::kUnknownCommand,
                    code::kRefused, code::kPasswordRefused},
                   plan_.patience.verdict);
        switch (reply.code) {
            case code::kHelp:
            case code::kDone:
            case code::kBye:
                show(reply);
                return ExitCode::success;
            case code::kPasswordWanted:
            case code::kCodeWanted:
            case code::kNewPasswordWanted:
                answer(reply);
                break;
            default:
                display_.complain("running a command on " + plan_.place, refusal(reply));
                if (reply.code == code::kPasswordRefused && ++refused_passwords < kNewPasswordAttempts) break;
                return exit_code_of(reply.code);
        }
    }
    server_.broke_the_protocol("asks one question after another");
}

void Exchange::say_goodbye()
{
    if (left_) return;
    left_ = true;
    try {
        server_.send("QUIT");
        (void)server_.next_reply(plan_.patience.farewell);
    } catch (const Failure&) {
        return;  // all that was to be done has been done: how the server closes changes nothing
    }
}

Reply Exchange::expect(std::initializer_list<int> codes, std::chrono::milliseconds patience)
{
    auto reply = server_.next_reply(patience);
    if (std::ranges::find(codes, reply.code) != codes.end()) return reply;
    if (reply.code == code::kClosing) {
        throw ConnectionLost(ExitCode::try_later, doing() + ": the server closes: " + refusal(reply));
    }
    server_.broke_the_protocol("sent a " + std::to_string(reply.code) + " that is out of place here");
}

void Exchange::answer(const Reply& question)
{
    if (server_.has_spoken()) interrupted_by_server();
    const auto who = user_.empty() ? plan_.place : std::string(user_.view()) + '@' + plan_.place;
    const auto wanted = wanted_by(question.code);
    auto answer = answers_.ask(wanted, prompt(who, question.text));
    if (answer.kind == Answer::Kind::server_spoke) interrupted_by_server();
    // An empty line is how a new password is cancelled.
    if (answer.kind == Answer::Kind::end_of_input && wanted != Wanted::new_password) input_ended();
    server_.send(answer.line.view());
    if (wanted == Wanted::username) user_ = std::move(answer.line);
}

void Exchange::show(const Reply& done)
{
    const auto lines = result_lines(done);
    display_.results(lines);
    if (lines.empty()) display_.say(done.text);
    if (done.code == code::kBye) left_ = true;
}

void Exchange::interrupted_by_server()
{
    (void)expect({}, plan_.patience.question);
    server_.broke_the_protocol("spoke out of turn");
}

void Exchange::input_ended() const
{
    const bool judged = refused_ || !throttled_ || logged_in_;
    throw Failure(judged ? ExitCode::login_failed : ExitCode::try_later, doing() + ": the answers ended");
}

std::string Exchange::doing() const
{
    return logged_in_ ? "being logged in to " + plan_.place : "logging in to " + plan_.place;
}

}  // namespace securelogin::client
