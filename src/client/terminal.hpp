// terminal.hpp: the terminal that a person sits at.
//
// It is changed (echo off) only within ask(), and there the signals that would end or stop the program are
// held back and read from a descriptor: so every way out restores it first, and no signal handler exists that
// could do something unsafe.  Elsewhere signals have their usual effect; there is nothing to restore.
//
// What it writes is printable text (common/text.hpp) whatever it is given.  One thread.
#pragma once

#include <memory>
#include <string_view>

#include "client/file_descriptor.hpp"
#include "client/line_input.hpp"

namespace securelogin::client {

/// Thrown out of ask() when a signal is to end the program, the terminal being restored: main raises it again
/// with its usual effect, so that the shell sees what happened.  No std::exception: only main may catch it.
struct Interrupted {
    int signal;
};

class Terminal {
  public:
    /// The controlling terminal (/dev/tty, else standard input and error), if standard input is a terminal.
    [[nodiscard]] static std::unique_ptr<Terminal> of_standard_input();

    enum class Echo { on, off };

    /// Shows `prompt` and waits for a line or `watch`.  What cannot be sent is told, and asked for again.
    /// When the wait ends without a line, what was typed so far is thrown away.
    /// Throws Interrupted, std::system_error.
    [[nodiscard]] Answer ask(std::string_view prompt, Echo echo, const Watch& watch);

    /// One line.  A terminal that has gone is no error: nobody is left to be told.
    void show(std::string_view line) noexcept;

    /// Cells in a line; nought where it cannot be told.
    [[nodiscard]] int columns() const noexcept;

    /// Where to write what is not a prompt.
    [[nodiscard]] int output() const noexcept { return output_.get(); }

  private:
    Terminal(FileDescriptor input, FileDescriptor output);

    [[nodiscard]] LineInput::Next ask_visibly(std::string_view prompt, const Watch& watch);
    [[nodiscard]] LineInput::Next ask_secretly(std::string_view prompt, const Watch& watch);
    void prompt(std::string_view text) noexcept;

    FileDescriptor input_;
    FileDescriptor output_;
    LineInput lines_;
};

}  // namespace securelogin::client
