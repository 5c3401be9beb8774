#include "client/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include "common/text.hpp"

namespace securelogin::client {
namespace {

constexpr std::array kEndingSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

[[noreturn]] void fail(const char* doing) { throw std::system_error(errno, std::generic_category(), doing); }

/// While it lives, the signals that end, stop and continue the program wait in a descriptor.
class HeldSignals {
  public:
    HeldSignals()
    {
        ::sigemptyset(&held_);
        for (const int signal : kEndingSignals) ::sigaddset(&held_, signal);
        ::sigaddset(&held_, SIGTSTP);
        ::sigaddset(&held_, SIGCONT);
        if (::sigprocmask(SIG_BLOCK, &held_, &before_) != 0) fail("holding signals back");
        arrived_ = FileDescriptor(::signalfd(-1, &held_, SFD_CLOEXEC | SFD_NONBLOCK));
        if (arrived_.is_open()) return;
        const int error = errno;
        restore_mask();
        errno = error;
        fail("holding signals back");
    }
    ~HeldSignals() { restore_mask(); }
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return arrived_.get(); }

    /// The next that has arrived; 0 for none.
    [[nodiscard]] int take() const noexcept
    {
        signalfd_siginfo info{};
        return ::read(arrived_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo)
                                                                         : 0;
    }

    /// Stops the program, as ctrl-Z does; returns when it goes on.
    void stop() const noexcept
    {
        sigset_t stop_signal;
        ::sigemptyset(&stop_signal);
        ::sigaddset(&stop_signal, SIGTSTP);
        (void)::raise(SIGTSTP);
        ::sigprocmask(SIG_UNBLOCK, &stop_signal, nullptr);
        ::sigprocmask(SIG_BLOCK, &stop_signal, nullptr);
    }

  private:
    void restore_mask() const noexcept { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

    sigset_t held_{};
    sigset_t before_{};
    FileDescriptor arrived_;
};

/// While it lives, what is typed is not shown.  REQUIRES: signals are held, from before it until after it.
class EchoOff {
  public:
    explicit EchoOff(int terminal) : terminal_(terminal)
    {
        if (::tcgetattr(terminal_, &before_) != 0) fail("reading the terminal's settings");
        // Flushed: what was typed ahead has been shown already, and is no password.
        set(without_echo(), TCSAFLUSH);
        if (!is_off()) fail("turning the terminal's echo off");
    }
    /// On an exception what was typed goes too: half a password must not reach the shell.
    ~EchoOff() { set(before_, std::uncaught_exceptions() > exceptions_ ? TCSAFLUSH : TCSADRAIN); }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;

    void suspend() const noexcept { set(before_, TCSAFLUSH); }
    void resume() const noexcept { set(without_echo(), TCSAFLUSH); }

  private:
    [[nodiscard]] termios without_echo() const noexcept
    {
        auto wanted = before_;
        wanted.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK);
        wanted.c_lflag |= ECHONL;
        return wanted;
    }
    void set(const termios& wanted, int when) const noexcept
    {
        while (::tcsetattr(terminal_, when, &wanted) != 0 && errno == EINTR) {
        }
    }
    /// tcsetattr(3) succeeds when any of the changes could be made.
    [[nodiscard]] bool is_off() const noexcept
    {
        termios now{};
        return ::tcgetattr(terminal_, &now) == 0 && (now.c_lflag & ECHO) == 0;
    }

    int terminal_;
    int exceptions_ = std::uncaught_exceptions();
    termios before_{};
};

}  // namespace

std::unique_ptr<Terminal> Terminal::of_standard_input()
{
    if (::isatty(STDIN_FILENO) != 1) return nullptr;
    FileDescriptor input(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    const bool controlling = input.is_open();
    if (!controlling) input = FileDescriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    FileDescriptor output(::fcntl(controlling ? input.get() : STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!input.is_open() || !output.is_open()) fail("opening the terminal");
    return std::unique_ptr<Terminal>(new Terminal(std::move(input), std::move(output)));
}

Terminal::Terminal(FileDescriptor input, FileDescriptor output)
    : input_(std::move(input)), output_(std::move(output)), lines_(input_.get())
{
}

Answer Terminal::ask(std::string_view text, Echo echo, const Watch& watch)
{
    for (;;) {
        auto next = echo == Echo::on ? ask_visibly(text, watch) : ask_secretly(text, watch);
        if (next.malformed) {
            ::tcflush(input_.get(), TCIFLUSH);
            show("That cannot be sent: " + std::string(describe(*next.malformed)) + ".");
            continue;
        }
        if (next.answer.kind == Answer::Kind::given) return std::move(next.answer);
        if (next.answer.kind == Answer::Kind::server_spoke) ::tcflush(input_.get(), TCIFLUSH);
        show("");  // the cursor stands behind the prompt
        return std::move(next.answer);
    }
}

LineInput::Next Terminal::ask_visibly(std::string_view text, const Watch& watch)
{
    prompt(text);
    return lines_.next({&watch, 1});
}

LineInput::Next Terminal::ask_secretly(std::string_view text, const Watch& watch)
{
    const HeldSignals signals;
    const EchoOff echo(input_.get());
    const auto on_signal = [&] {
        while (const int signal = signals.take()) {
            if (signal == SIGTSTP) {
                echo.suspend();
                signals.stop();
                echo.resume();
            } else if (signal == SIGCONT) {
                // Whoever had the terminal meanwhile may have turned the echo on again.  Before the prompt:
                // what is typed in answer to it must not be flushed.
                echo.resume();
                prompt(text);
            } else {
                show("");
                throw Interrupted{signal};
            }
        }
        return false;
    };
    const std::array watches{Watch{signals.descriptor(), POLLIN, on_signal}, watch};
    prompt(text);
    return lines_.next(watches);
}

void Terminal::prompt(std::string_view text) noexcept { (void)write_all(output_.get(), printable(text)); }

int Terminal::columns() const noexcept
{
    winsize size{};
    return ::ioctl(output_.get(), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void Terminal::show(std::string_view line) noexcept
{
    (void)write_all(output_.get(), printable(line) + '\n');
}

}  // namespace securelogin::client
