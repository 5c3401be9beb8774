// options.hpp: the command line as values.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "client/destination.hpp"
#include "client/failure.hpp"
#include "client/trust.hpp"

namespace securelogin::client {

struct Options {
    Destination destination;
    bool enrol = false;                            // rather than log in
    std::optional<std::filesystem::path> qr = {};  // enrol: where to write the key's picture
    std::optional<std::string> command = {};       // its words joined by blanks; may be sent as it is
    std::optional<std::filesystem::path> password_file = {};
    std::optional<std::string> code_command = {};
    std::optional<std::filesystem::path> ca = {};
    TrustPolicy trust = {};
    bool device_key = true;  // show one to a server that is trusted
};

/// What to do; or the text of --help or --version, to be printed to standard output.
/// Throws Failure (usage).
[[nodiscard]] std::variant<Options, std::string> parse_command_line(int argc, const char* const* argv);

}  // namespace securelogin::client
