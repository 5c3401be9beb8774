// failure.hpp: why the client ends other than well, and the exit code that says so to a script.
//
// Whatever ends the program early is a Failure, thrown where it is found and told once, by main.
#pragma once

#include <stdexcept>
#include <string>

namespace securelogin::client {

/// sysexits(3) where it has a fitting one.  Scripts depend on the numbers.
enum class ExitCode : int {
    success = 0,
    usage = 64,         // also: the server did not know the command or its arguments
    unavailable = 69,   // cannot connect, or the connection was lost
    try_later = 75,     // 450, 421, or this machine is out of something
    protocol = 76,      // the server broke the protocol
    login_failed = 77,  // also: the command, or the new password, was refused
    not_trusted = 78,   // the server's identity, or a file of ours, cannot be relied on
};

class Failure : public std::runtime_error {
  public:
    /// `what` reads "what was being done: why", with the remedy where there is one; printable text, one line
    /// or more.
    Failure(ExitCode code, const std::string& what) : std::runtime_error(what), code_(code) {}

    [[nodiscard]] ExitCode code() const noexcept { return code_; }

  private:
    ExitCode code_;
};

/// The server is gone: it said 421, closed, or was not heard of for too long.
class ConnectionLost : public Failure {
  public:
    using Failure::Failure;
};

}  // namespace securelogin::client
