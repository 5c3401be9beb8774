// failure.hpp: why a command was not done, for the person (one line) and for the script (an exit code).
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace securelogin::admin {

/// In the manner of sysexits.h; --help lists them.
enum class ExitCode {
    done = 0,
    tampered = 1,  // the audit is not as it was written
    problems = 1,  // doctor has found some
    usage = 64,    // the command line, a user name that can be nobody's
    refused = 65,  // a password or passphrase; a file, or rows of it, that are not what they should be
    no_such_user = 67,
    broken = 70,         // a fault of ours
    system = 71,         // out of memory, no more processes
    cannot_create = 73,  // the user or the file is there already
    input_output = 74,   // a disk, a pipe, a database
    try_later = 75,      // another program keeps the database locked
    not_valid = 77,      // the token
    configuration = 78,  // settings, data directory, master key
};

/// what() is `what was being done: why: remedy`, without the program's name.
class Failure : public std::runtime_error {
  public:
    Failure(ExitCode exit_code, const std::string& sentence)
        : std::runtime_error(sentence), exit_code_(exit_code)
    {
    }
    [[nodiscard]] ExitCode exit_code() const noexcept { return exit_code_; }

  private:
    ExitCode exit_code_;
};

/// What the last call into the system has failed of, in its words.
[[nodiscard]] inline std::string system_says() { return std::generic_category().message(errno); }

}  // namespace securelogin::admin
