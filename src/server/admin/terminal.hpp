// terminal.hpp: the controlling terminal, where a password is typed without being shown.
//
// The terminal is as it was before on every way out, signals included: while it is asked, those that end or
// stop a program are taken in turn (signalfd) rather than in the middle of things, and raised again once echo
// is back.
#pragma once

#include <csignal>
#include <optional>
#include <string_view>

#include "common/secret.hpp"
#include "server/descriptor.hpp"

namespace securelogin::admin {

class Terminal {
  public:
    /// /dev/tty, wherever stdin and stdout lead; nothing where the program has none.
    [[nodiscard]] static std::optional<Terminal> open();

    void say(std::string_view text);

    /// Shows `prompt` and takes one line without showing it; nothing at end of input, or when the line is
    /// longer than common/line.hpp allows.  Throws Failure.
    [[nodiscard]] std::optional<Secret> ask_secret(std::string_view prompt);

  private:
    explicit Terminal(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
    Descriptor descriptor_;
};

/// While it lives, signals wait.  Threads that start meanwhile never take one: the terminal's are for the
/// main thread.
class SignalsHeld {
  public:
    SignalsHeld() noexcept;
    ~SignalsHeld();
    SignalsHeld(const SignalsHeld&) = delete;
    SignalsHeld& operator=(const SignalsHeld&) = delete;

  private:
    sigset_t before_;
};

}  // namespace securelogin::admin
