// password_file.hpp: --password-file, for scripts.
#pragma once

#include <filesystem>

#include "common/secret.hpp"

namespace securelogin::client {

/// The first line of `file`, which no other user may be able to read (a pipe from a password store will do).
/// Throws Failure (not_trusted) that names the file and the remedy.
[[nodiscard]] Secret read_password_file(const std::filesystem::path& file);

}  // namespace securelogin::client
