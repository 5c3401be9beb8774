// passphrase.hpp: what an export is sealed under, from the terminal or from a file.
//
// To be taken before the program gives up the rights of whoever called it: the file is theirs.
#pragma once

#include <filesystem>
#include <optional>

#include "common/secret.hpp"

namespace securelogin::admin {

/// For a new export: held to the policy of passwords (auth/password_policy.hpp), and asked for twice on the
/// terminal. Throws Failure: none, too weak, no terminal, a file that others can read.
[[nodiscard]] Secret take_new_passphrase(const std::optional<std::filesystem::path>& file);

/// Of one that was made before.  Throws Failure.
[[nodiscard]] Secret take_passphrase(const std::optional<std::filesystem::path>& file);

}  // namespace securelogin::admin
