#include "client/answers.hpp"

#include <openssl/crypto.h>

#include <utility>

#include "client/failure.hpp"

namespace securelogin::client {
namespace {

constexpr std::string_view kCommandPrompt = "securelogin> ";
constexpr int kNewPasswordTries = 3;

bool same(const Secret& one, const Secret& other) noexcept
{
    return one.size() == other.size() &&
           CRYPTO_memcmp(one.view().data(), other.view().data(), one.size()) == 0;
}

}  // namespace

Answer TerminalAnswers::ask(Wanted wanted, std::string_view prompt)
{
    switch (wanted) {
        case Wanted::username:
        case Wanted::code:
        case Wanted::invitation:  // spent within minutes, and long: to be copied without mistakes
            return terminal_.ask(prompt, Terminal::Echo::on, watch_);
        case Wanted::password:
            return terminal_.ask(prompt, Terminal::Echo::off, watch_);
        case Wanted::new_password:
            return ask_new_password(prompt);
    }
    return {Answer::Kind::end_of_input};
}

Answer TerminalAnswers::ask_new_password(std::string_view prompt)
{
    for (int tries = 0; tries < kNewPasswordTries; ++tries) {
        auto first = terminal_.ask(prompt, Terminal::Echo::off, watch_);
        if (first.kind != Answer::Kind::given || first.line.empty()) return first;
        const auto again = terminal_.ask("The same again: ", Terminal::Echo::off, watch_);
        if (again.kind != Answer::Kind::given) return {again.kind};
        if (same(first.line, again.line)) return first;
        terminal_.show("The two differ.");
    }
    return {Answer::Kind::end_of_input};
}

Answer TerminalAnswers::next_command() { return terminal_.ask(kCommandPrompt, Terminal::Echo::on, watch_); }

Answer PipeAnswers::ask(Wanted /*wanted*/, std::string_view /*prompt*/) { return next(); }

Answer PipeAnswers::next_command() { return next(); }

Answer::Kind PipeAnswers::another_attempt()
{
    auto answer = next();
    const auto kind = answer.kind;
    if (kind == Answer::Kind::given) ahead_ = std::move(answer);
    return kind;
}

Answer PipeAnswers::next()
{
    if (auto ahead = std::exchange(ahead_, std::nullopt)) return std::move(*ahead);
    auto next = lines_.next({&watch_, 1});
    if (!next.malformed) return std::move(next.answer);
    throw Failure(ExitCode::usage, "reading standard input: a " + std::string(describe(*next.malformed)) +
                                       ": it was not sent");
}

Answer PreparedAnswers::ask(Wanted wanted, std::string_view prompt)
{
    if (wanted == Wanted::username && prepared_.user)
        return {Answer::Kind::given, Secret::copy_of(*prepared_.user)};
    if (wanted == Wanted::password && prepared_.password)
        return {Answer::Kind::given, prepared_.password->clone()};
    if (wanted == Wanted::code && prepared_.code_command) return prepared_.code_command->run(watch_);
    return rest_->ask(wanted, prompt);
}

Answer::Kind PreparedAnswers::another_attempt()
{
    const bool nothing_new = prepared_.user && prepared_.password && prepared_.code_command;
    return nothing_new ? Answer::Kind::end_of_input : rest_->another_attempt();
}

}  // namespace securelogin::client
