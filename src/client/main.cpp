// securelogin: the parts list.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include "client/answers.hpp"
#include "client/display.hpp"
#include "client/enrolment.hpp"
#include "client/exchange.hpp"
#include "client/failure.hpp"
#include "client/key_picture.hpp"
#include "client/options.hpp"
#include "client/password_file.hpp"
#include "client/terminal.hpp"
#include "client/visit.hpp"
#include "common/text.hpp"

namespace securelogin::client {
namespace {

constexpr std::size_t kSecureHeap = std::size_t{1} << 16U;  // bytes

/// A descriptor 0, 1 or 2 that was closed would become the socket, and get what is meant for people.
void open_standard_descriptors()
{
    int descriptor = 0;
    while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = ::open("/dev/null", O_RDWR);
    if (descriptor > STDERR_FILENO) ::close(descriptor);
}

void keep_secrets_from_core_files()
{
    const rlimit none{};
    (void)::setrlimit(RLIMIT_CORE, &none);
    (void)::prctl(PR_SET_DUMPABLE, 0);
    // Where memory may not be locked, secrets are wiped all the same: nothing that a person need be told.
    (void)make_secure_heap(kSecureHeap);
}

/// With its usual effect, so that a shell sees what happened.
void raise_again(int signal)
{
    (void)std::signal(signal, SIG_DFL);
    (void)::raise(signal);
}

void write_results(std::string_view text)
{
    if (write_all(STDOUT_FILENO, text)) return;
    const int error = errno;
    if (error == EPIPE) raise_again(SIGPIPE);
    throw Failure(ExitCode::try_later,
                  "writing to standard output: " + std::generic_category().message(error));
}

bool wants_colour()
{
    const char* const refused = std::getenv("NO_COLOR");
    const char* const kind = std::getenv("TERM");
    return (refused == nullptr || *refused == '\0') && kind != nullptr && std::string_view(kind) != "dumb";
}

Display make_display(const Terminal* terminal)
{
    const int words = terminal != nullptr ? terminal->output() : STDERR_FILENO;
    return {write_results,
            [words](std::string_view text) { (void)write_all(words, text); },
            {.interactive = terminal != nullptr, .colour = terminal != nullptr && wants_colour()}};
}

/// How the person is asked about a server that is not known; empty without a terminal.
AskPerson make_ask(Terminal* terminal, int connection, const std::string& server)
{
    if (terminal == nullptr) return {};
    return [terminal, connection, server](std::string_view prompt) -> std::optional<std::string> {
        // What the server says must wait until it is trusted; but that it hangs up is told at once.
        const auto hung_up = [connection] {
            pollfd state{.fd = connection, .events = POLLRDHUP, .revents = 0};
            return ::poll(&state, 1, 0) > 0;
        };
        const auto answer = terminal->ask(prompt, Terminal::Echo::on, {connection, POLLRDHUP, hung_up});
        if (answer.kind == Answer::Kind::given) return std::string(answer.line.view());
        if (answer.kind == Answer::Kind::end_of_input) return std::nullopt;
        throw Failure(ExitCode::try_later, "checking who " + server +
                                               " is: the server did not wait for the answer: "
                                               "run the command again");
    };
}

std::unique_ptr<Answers> make_answers(const Options& options, std::optional<Secret> password,
                                      Terminal* terminal, const Watch& watch)
{
    std::unique_ptr<Answers> person;
    if (terminal != nullptr)
        person = std::make_unique<TerminalAnswers>(*terminal, watch);
    else
        person = std::make_unique<PipeAnswers>(STDIN_FILENO, watch);
    PreparedAnswers::Prepared prepared{.user = options.destination.user, .password = std::move(password)};
    if (options.code_command) prepared.code_command.emplace(*options.code_command);
    return std::make_unique<PreparedAnswers>(std::move(prepared), std::move(person), watch);
}

/// Logs in, or enrols.
ExitCode visit_server(const Options& options)
{
    std::optional<Secret> password;
    if (options.password_file) password = read_password_file(*options.password_file);
    const auto terminal = Terminal::of_standard_input();
    auto display = make_display(terminal.get());
    const auto& destination = options.destination;
    KeyPicture picture(options.qr, [&terminal] { return terminal != nullptr ? terminal->columns() : 0; });

    const auto ask = [&terminal, &destination](int connection) {
        return make_ask(terminal.get(), connection, destination.host_and_port());
    };
    const VisitPolicy policy{.ca = options.ca, .trust = options.trust, .device_key = options.device_key};
    const auto connection = visit(destination, policy, ask, display);

    const auto place = Destination{{}, destination.host, destination.port, destination.is_address}.shown();
    Server server(*connection, place);
    const Watch watch{server.descriptor(), POLLIN, [&server] { return server.has_spoken(); }};
    const auto answers = make_answers(options, std::move(password), terminal.get(), watch);
    if (options.enrol) {
        Enrolment(server, *answers, display, picture, {.place = place}).run();
        return ExitCode::success;
    }
    return Exchange(server, *answers, display, {.place = place, .command = options.command}).run();
}

ExitCode run(int argc, const char* const* argv)
{
    const auto parsed = parse_command_line(argc, argv);
    if (const auto* const text = std::get_if<std::string>(&parsed)) {
        write_results(*text);
        return ExitCode::success;
    }
    return visit_server(std::get<Options>(parsed));
}

/// What went wrong may quote the server: no more of it gets through than by Display.
int tell(ExitCode code, std::string_view what)
{
    std::string text = "securelogin: ";
    for (;;) {
        const auto line = what.substr(0, what.find('\n'));
        text += printable(line) + '\n';
        if (line.size() == what.size()) break;
        what.remove_prefix(line.size() + 1);
    }
    (void)write_all(STDERR_FILENO, text);
    return static_cast<int>(code);
}

}  // namespace
}  // namespace securelogin::client

int main(int argc, char** argv)
{
    namespace client = securelogin::client;
    try {
        client::open_standard_descriptors();
        client::keep_secrets_from_core_files();
        (void)std::signal(SIGPIPE, SIG_IGN);  // a server that has left is an error like others
        return static_cast<int>(client::run(argc, argv));
    } catch (const client::Interrupted& interrupted) {
        client::raise_again(interrupted.signal);
        return static_cast<int>(client::ExitCode::try_later);
    } catch (const client::Failure& failure) {
        return client::tell(failure.code(), failure.what());
    } catch (const std::exception& error) {
        return client::tell(client::ExitCode::try_later, error.what());
    }
}
