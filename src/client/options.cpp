// The one translation unit that knows CLI11.
#include "client/options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string_view>
#include <vector>

#include "common/certificate.hpp"
#include "common/line.hpp"
#include "common/text.hpp"

namespace securelogin::client {
namespace {

constexpr auto kVersion = "securelogin " SECURELOGIN_VERSION;

constexpr auto kHelp = R"(usage: securelogin [OPTIONS] [USER@]HOST[:PORT] [COMMAND...]
       securelogin enrol [OPTIONS] [USER@]HOST[:PORT]

Logs in to a SecureLogin server with user name, password and one-time code.

With enrol, makes a user of somebody who was invited: asks for the invitation that the administrator has handed over,
and for a new password, shows the QR code for an authenticator app, asks for the code that it shows then, and prints
the recovery codes.  To log in to a host that is called enrol, write enrol:9999.

With COMMAND, runs that one command on the server and leaves.  Without one, a terminal gets a small prompt (help,
whoami, passwd, logout; ctrl-D leaves), and where standard input is not a terminal, the lines that are left over
after the login are the commands.  PORT is 9999 unless given; an IPv6 address stands in brackets: [::1]:9999.

options:
  --fingerprint SHA256:...  trust the server that has this key, and no other
  --ca FILE                 trust the server whose certificate leads to one in FILE (PEM) and names HOST
  --accept-new              trust and remember a server that is not known yet; one whose key changed is refused
  --password-file FILE      the password is FILE's first line; nobody else may be able to read FILE
  --code-command COMMAND    the one-time code is the first line that COMMAND, run by /bin/sh, prints
  --qr FILE                 enrol: also write the QR code as a PNG, mode 0600; never over an existing file
  --no-device-key           do not show the server the key by which it knows this machine again
  --help                    this text
  --version                 the version

Answers come from the terminal, password and new password without echo; or, where standard input is not a terminal,
line by line from there: user name (unless USER is given), password, one-time code; after a refused login the next
lines are the next attempt.  The password and code options answer before either.  To enrol: invitation, new password
and code; standard output has the key, `otpauth URI`, while the code is waited for.  No secret belongs on the command
line or in the environment, where other programs see it.

Results go to standard output, `key value` a line; all else to the terminal, or to standard error without one.

On the first visit to a server its key's fingerprint is shown, and remembered after a yes.  A server whose key has
changed since is refused.  Nothing is sent before the server is trusted.

A server that is trusted is shown a key of this machine's own, made on the first visit and for that server alone, by
which it knows a device again that has logged in before.  The key lets nobody in; without it a login goes on as well.

examples:
  securelogin alice@login.example.net
  securelogin alice@login.example.net whoami
  securelogin alice@login.example.net token | sed -n 's/^token //p'
  printf '%s\n' alice "$PW" "$CODE" | securelogin --fingerprint SHA256:... localhost:9999
  securelogin enrol login.example.net
  securelogin --password-file pw --code-command 'oathtool --totp -b @key' alice@localhost whoami

files:
  $XDG_CONFIG_HOME/securelogin/known_hosts, else ~/.config/securelogin/known_hosts
                            the servers that are trusted: `host:port SHA256:...` a line
  devices/HOST%3APORT.pem   beside it: the key shown to that server; remove it to be a new device

environment:
  NO_COLOR                  when set, no colour on a terminal

exit code:
   0  enrolled; or logged in, and COMMAND succeeded (without COMMAND, refused commands are told and the code stays 0)
  64  the command line or the input is wrong, or the server does not know COMMAND or its arguments
  69  cannot connect, or the connection was lost
  75  try later: the server is busy, throttles or closes (450, 421), or this machine is out of something
  76  the server broke the protocol
  77  the login or the enrolment failed, the answers ended before it succeeded, or COMMAND or a new password was refused
  78  the server is not trusted, or a file that was named is missing, unsafe or malformed
)";

[[noreturn]] void refuse(const std::string& why)
{
    throw Failure(ExitCode::usage,
                  "reading the command line: " + printable(why) + ": see securelogin --help");
}

std::string pin(const std::string& text)
{
    if (const auto fingerprint = normalize_fingerprint(text)) return *fingerprint;
    refuse("--fingerprint takes SHA256: and 43 characters of base64");
}

std::string joined(const std::vector<std::string>& words)
{
    std::string line;
    for (const auto& word : words) line += (line.empty() ? "" : " ") + word;
    if (line.empty()) refuse("COMMAND is empty");
    if (const auto error = check_line(line))
        refuse("COMMAND cannot be sent: " + std::string(describe(*error)));
    return line;
}

/// The texts as they stand on the command line; those that were not given are empty.
struct Words {
    std::string destination;
    std::vector<std::string> command;
    std::string fingerprint;
    std::string ca;
    std::string password_file;
    std::string code_command;
    std::string qr;
    bool accept_new = false;
    bool no_device_key = false;
    bool help = false;
    bool version = false;
};

void declare(CLI::App& app, Words& words)
{
    app.set_help_flag();  // ours prints to standard output, and is no error of CLI11's
    app.add_flag("-h,--help", words.help);
    app.add_flag("--version", words.version);
    auto* const fingerprint = app.add_option("--fingerprint", words.fingerprint);
    auto* const ca = app.add_option("--ca", words.ca);
    app.add_flag("--accept-new", words.accept_new)->excludes(fingerprint)->excludes(ca);
    app.add_flag("--no-device-key", words.no_device_key);
    app.add_option("--password-file", words.password_file);
    app.add_option("--code-command", words.code_command);
    app.add_option("--qr", words.qr);
    app.add_option("destination", words.destination);
    app.add_option("command", words.command);
}

constexpr std::string_view kEnrol = "enrol";

/// `enrol HOST` has come in as a host with a command.
void take_enrol(const CLI::App& app, Words& words)
{
    if (words.command.empty()) refuse("enrol: no HOST to enrol at");
    if (words.command.size() > 1) refuse("enrol takes a HOST and no COMMAND");
    if (app.count("--password-file") != 0)
        refuse("--password-file is for logins: enrol asks for a new password");
    words.destination = words.command.front();
    words.command.clear();
}

template <typename T>
std::optional<T> given(const CLI::App& app, const std::string& option, const std::string& text)
{
    if (app.count(option) == 0) return std::nullopt;
    if (text.empty()) refuse(option + " is empty");
    return T(text);
}

}  // namespace

std::variant<Options, std::string> parse_command_line(int argc, const char* const* argv)
{
    CLI::App app;
    Words words;
    declare(app, words);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        refuse(error.what());
    }
    if (words.help) return kHelp;
    if (words.version) return std::string(kVersion) + '\n';
    const bool enrol = words.destination == kEnrol;
    if (enrol) take_enrol(app, words);
    if (!enrol && app.count("--qr") != 0) refuse("--qr goes with enrol");
    if (words.destination.empty()) refuse("no HOST to log in to");
    Options options{.destination = parse_destination(words.destination), .enrol = enrol};
    options.qr = given<std::filesystem::path>(app, "--qr", words.qr);
    if (!words.command.empty()) options.command = joined(words.command);
    options.password_file = given<std::filesystem::path>(app, "--password-file", words.password_file);
    options.code_command = given<std::string>(app, "--code-command", words.code_command);
    options.ca = given<std::filesystem::path>(app, "--ca", words.ca);
    if (app.count("--fingerprint") != 0) options.trust.fingerprint = pin(words.fingerprint);
    options.trust.by_ca = options.ca.has_value();
    options.trust.accept_new = words.accept_new;
    options.device_key = !words.no_device_key;
    return options;
}

}  // namespace securelogin::client
