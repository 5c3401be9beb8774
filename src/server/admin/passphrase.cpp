#include "server/admin/passphrase.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/new_password.hpp"
#include "server/admin/terminal.hpp"
#include "server/auth/password_policy.hpp"

namespace securelogin::admin {
namespace {

constexpr mode_t kOthers = 077;

[[noreturn]] void fail_to_take(ExitCode code, const std::filesystem::path& file, const std::string& why)
{
    throw Failure(code, "reading the passphrase from " + printable(file.string()) + ": " + why);
}

Secret read_from(const std::filesystem::path& file)
{
    const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    struct stat status{};
    if (!opened.is_open() || ::fstat(opened.get(), &status) != 0)
        fail_to_take(ExitCode::input_output, file, std::generic_category().message(errno));
    // A pipe is whoever's who made it.
    if (S_ISREG(status.st_mode) && (status.st_mode & kOthers) != 0)
        fail_to_take(ExitCode::configuration, file, "others can read it: chmod 600");
    try {
        return read_line(opened.get());
    } catch (const Failure& failure) {
        fail_to_take(failure.exit_code(), file, "it has to be one line, of 1024 octets at most");
    }
}

Terminal open_terminal()
{
    auto terminal = Terminal::open();
    if (!terminal)
        throw Failure(ExitCode::usage,
                      "asking for the passphrase: there is no terminal: use --passphrase-file");
    return *std::move(terminal);
}

Secret ask(Terminal& terminal, const char* prompt)
{
    auto typed = terminal.ask_secret(prompt);
    if (!typed || typed->empty())
        throw Failure(ExitCode::refused, "asking for the passphrase: none was given");
    return *std::move(typed);
}

/// The same octets however it is typed.
Secret prepared(const Secret& typed)
{
    auto ready = auth::prepare_password(typed.view());
    if (!ready || ready->empty())
        throw Failure(ExitCode::refused, "taking the passphrase: it is empty, not UTF-8, or too long");
    return *std::move(ready);
}

}  // namespace

Secret take_new_passphrase(const std::optional<std::filesystem::path>& file)
{
    Secret typed;
    if (file) {
        typed = read_from(*file);
    } else {
        auto terminal = open_terminal();
        typed = ask(terminal, "Passphrase for the export: ");
        if (ask(terminal, "The same again: ").view() != typed.view())
            throw Failure(ExitCode::refused, "asking for the passphrase: the two are not the same");
    }
    auto ready = prepared(typed);
    const std::array<std::string, 2> context{"securelogin", "export"};
    if (const auto objection = auth::why_refused(ready, context))
        throw Failure(ExitCode::refused, "taking the passphrase: " + *objection);
    return ready;
}

Secret take_passphrase(const std::optional<std::filesystem::path>& file)
{
    if (file) return prepared(read_from(*file));
    auto terminal = open_terminal();
    return prepared(ask(terminal, "Passphrase of the export: "));
}

}  // namespace securelogin::admin
