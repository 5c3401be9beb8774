// daemon_options.hpp: securelogind's command line.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/config.hpp"

namespace securelogin {

struct DaemonOptions {
    std::optional<std::filesystem::path> config;
    std::optional<std::filesystem::path> data;
    std::vector<std::string> listen;
    std::vector<std::string> listen_plain;
    std::optional<std::string> listen_verify;
    std::vector<std::string> listen_web;
    std::optional<LogFormat> log_format;
    bool check = false;
};

/// What to do; or, when all has been said (--help, --version, a mistake), the code to exit with.
struct ParsedOptions {
    DaemonOptions options;
    std::optional<int> exit_code;
};
[[nodiscard]] ParsedOptions parse_daemon_options(int argc, const char* const* argv);

/// The settings file's settings, where options do not say otherwise.  Throws StartupError.
[[nodiscard]] Settings settings_for(const DaemonOptions& options);

}  // namespace securelogin
