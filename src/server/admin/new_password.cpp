#include "server/admin/new_password.hpp"

#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/line.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/terminal.hpp"
#include "server/auth/password_hash.hpp"
#include "server/auth/password_policy.hpp"

namespace securelogin::admin {
namespace {

constexpr int kTries = 3;

/// A password fit to be hashed, or why it is not.
struct Judged {
    std::optional<Secret> prepared = {};
    std::string objection = {};
};

/// Throws Failure where the list of breached passwords cannot be relied on: then none is good.
std::optional<std::string> objection_to(const Secret& password, const auth::UserName& whose,
                                        const auth::PasswordRules& rules)
{
    try {
        return rules.why_refused(password, whose);
    } catch (const auth::BreachedPasswordsError& error) {
        throw Failure(ExitCode::input_output, error.what());
    }
}

Judged judge(const Secret& typed, const auth::UserName& whose, const auth::PasswordRules& rules)
{
    auto prepared = auth::prepare_password(typed.view());
    if (!prepared) {
        return {.objection = "It is not UTF-8, or too long: use at most " +
                             std::to_string(auth::kLongestPassword) + " characters."};
    }
    // What no line of the protocol can carry could be set here and never be typed again.
    if (check_line(prepared->view()))
        return {.objection = "It is too long, or has a control character in it."};
    if (auto objection = objection_to(*prepared, whose, rules)) return {.objection = *std::move(objection)};
    return {.prepared = std::move(prepared)};
}

Secret ask(Terminal& terminal, const auth::UserName& whose)
{
    auto typed = terminal.ask_secret("New password for " + whose.str() + ": ");
    if (!typed) throw Failure(ExitCode::refused, "asking for the password: none was given");
    return *std::move(typed);
}

Secret ask_until_good(const auth::UserName& whose, const auth::PasswordRules& rules)
{
    auto terminal = Terminal::open();
    if (!terminal) {
        throw Failure(
            ExitCode::usage,
            "asking for the password: there is no terminal: use --password-stdin or --generate-password");
    }
    for (int tries = 0; tries < kTries; ++tries) {
        const auto typed = ask(*terminal, whose);
        auto judged = judge(typed, whose, rules);
        if (!judged.prepared) {
            terminal->say(judged.objection + "\n");
            continue;
        }
        const auto again = terminal->ask_secret("The same again: ");
        if (again && again->view() == typed.view()) return *std::move(judged.prepared);
        terminal->say("The two are not the same.\n");
    }
    throw Failure(ExitCode::refused, "asking for the password: none was accepted");
}

Secret read_good(const auth::UserName& whose, const auth::PasswordRules& rules)
{
    auto judged = judge(read_line(STDIN_FILENO), whose, rules);
    if (!judged.prepared)
        throw Failure(ExitCode::refused, "reading the password from stdin: " + judged.objection);
    return *std::move(judged.prepared);
}

}  // namespace

NewPassword take_new_password(PasswordFrom from, const auth::UserName& whose,
                              const auth::PasswordRules& rules, const auth::HashParameters& parameters,
                              auth::Random& random)
{
    if (from == PasswordFrom::generator) {
        auto made_up = auth::generate_password(random);
        return {.phc = auth::hash_password(made_up, parameters), .generated = std::move(made_up)};
    }
    const auto password =
        from == PasswordFrom::standard_input ? read_good(whose, rules) : ask_until_good(whose, rules);
    return {.phc = auth::hash_password(password, parameters)};
}

Secret read_line(int descriptor, std::string_view what)
{
    const auto doing = "reading " + std::string(what) + " from stdin: ";
    constexpr std::size_t limit = kLineLimit + 1;  // with CR
    Secret line(limit);
    std::size_t length = 0;
    for (;;) {
        char octet = 0;  // one at a time: what comes after the line is not ours
        const auto count = ::read(descriptor, &octet, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            throw Failure(ExitCode::input_output, doing + std::generic_category().message(errno));
        }
        if (count == 0 && length == 0) throw Failure(ExitCode::refused, doing + "it is empty");
        if (count == 0 || octet == '\n') break;
        if (length == limit) {
            throw Failure(ExitCode::refused,
                          doing + "it is longer than " + std::to_string(kLineLimit) + " octets");
        }
        line.chars()[length++] = octet;
    }
    if (length > 0 && line.view()[length - 1] == '\r') --length;
    line.truncate(length);
    return line;
}

}  // namespace securelogin::admin
