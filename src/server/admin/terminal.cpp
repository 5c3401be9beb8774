#include "server/admin/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "common/line.hpp"
#include "server/admin/failure.hpp"

namespace securelogin::admin {
namespace {

constexpr std::array kEnding = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

[[noreturn]] void fail_at_terminal(const char* doing)
{
    throw Failure(ExitCode::input_output, std::string(doing) + ": " + std::generic_category().message(errno));
}

/// While it lives: no echo, and the signals that end or stop the program are read from descriptor().
class Hushed {
  public:
    explicit Hushed(int terminal) : terminal_(terminal)
    {
        if (tcgetattr(terminal_, &before_) != 0) fail_at_terminal("reading the terminal's settings");
        sigset_t ending;
        sigemptyset(&ending);
        for (const int number : kEnding) sigaddset(&ending, number);
        signals_ = Descriptor(signalfd(-1, &ending, SFD_CLOEXEC));
        if (!signals_.is_open()) fail_at_terminal("preparing for signals");
        pthread_sigmask(SIG_BLOCK, &ending, &mask_before_);

        auto silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        silent.c_lflag |= ECHONL;  // so that the cursor moves on
        // Drops what was typed before the prompt, which was typed for something else.  tcsetattr(3) calls it
        // success when any one of the changes could be made.
        termios now{};
        if (tcsetattr(terminal_, TCSAFLUSH, &silent) != 0 || tcgetattr(terminal_, &now) != 0 ||
            (now.c_lflag & ECHO) != 0) {
            pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
            fail_at_terminal("hiding what is typed");
        }
    }
    ~Hushed()
    {
        // Flushing drops the rest of a line that was too long, which must not end up in the shell.
        tcsetattr(terminal_, TCSAFLUSH, &before_);
        pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    }
    Hushed(const Hushed&) = delete;
    Hushed& operator=(const Hushed&) = delete;

    /// Waits until a line can be read, and answers nothing; or the signal that came first.
    [[nodiscard]] std::optional<int> wait() const
    {
        std::array<pollfd, 2> events{pollfd{signals_.get(), POLLIN, 0}, pollfd{terminal_, POLLIN, 0}};
        while (poll(events.data(), events.size(), -1) < 0) {
            if (errno != EINTR) fail_at_terminal("waiting for the terminal");
        }
        if (events[0].revents == 0) return std::nullopt;
        signalfd_siginfo info{};
        if (read(signals_.get(), &info, sizeof info) != sizeof info) fail_at_terminal("reading a signal");
        return static_cast<int>(info.ssi_signo);
    }

  private:
    int terminal_;
    termios before_{};
    sigset_t mask_before_{};
    Descriptor signals_;
};

/// What was typed up to the end of the line, or the signal that came first.
struct Typed {
    std::optional<Secret> line = {};
    std::optional<int> signal = {};
};

Typed type_hidden(Terminal& terminal, int descriptor, std::string_view prompt)
{
    const Hushed hushed(descriptor);
    terminal.say(prompt);  // once echo is off: who answers at once, as a script does, loses nothing
    if (const auto signal = hushed.wait()) return {.signal = signal};
    Secret line(kLineLimit + 1);
    const auto count = read(descriptor, line.chars().data(), line.size());
    if (count < 0) fail_at_terminal("reading the terminal");
    const auto end = line.view().substr(0, static_cast<std::size_t>(count)).find('\n');
    if (end == std::string_view::npos) return {};
    line.truncate(end);
    return {.line = std::move(line)};
}

}  // namespace

std::optional<Terminal> Terminal::open()
{
    Descriptor descriptor(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!descriptor.is_open()) return std::nullopt;
    return Terminal(std::move(descriptor));
}

void Terminal::say(std::string_view text)
{
    while (!text.empty()) {
        const auto written = ::write(descriptor_.get(), text.data(), text.size());
        if (written < 0 && errno != EINTR) fail_at_terminal("writing to the terminal");
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::optional<Secret> Terminal::ask_secret(std::string_view prompt)
{
    for (;;) {
        auto typed = type_hidden(*this, descriptor_.get(), prompt);
        if (!typed.signal) return std::move(typed.line);
        say("\n");
        // Ends the program, or stops it until it is continued and asks again.
        if (raise(*typed.signal) != 0) fail_at_terminal("passing on a signal");
    }
}

SignalsHeld::SignalsHeld() noexcept : before_()
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsHeld::~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

}  // namespace securelogin::admin
