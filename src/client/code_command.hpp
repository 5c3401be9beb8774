// code_command.hpp: --code-command, a program of the user's own that prints a one-time code.
#pragma once

#include <string>

#include "client/line_input.hpp"

namespace securelogin::client {

class CodeCommand {
  public:
    /// `command` is for /bin/sh -c.
    explicit CodeCommand(std::string command) : command_(std::move(command)) {}

    /// Runs it and gives the first line that it prints; ends it when `watch` ends the wait.  It keeps the
    /// terminal, if there is one, to ask for a PIN; a script's standard input is not for it.
    /// Throws Failure (not_trusted: it is a part of the configuration) when it fails or prints nothing.
    [[nodiscard]] Answer run(const Watch& watch) const;

  private:
    std::string command_;
};

}  // namespace securelogin::client
