// settings_file.hpp: the text of a settings file that nobody else can have written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

namespace securelogin {

/// Octets.  Tables and lists are freed recursively, and it takes two octets to nest one in another: what is
/// larger than this could overflow the stack.
inline constexpr std::size_t kLargestSettingsFile = 16384;

/// Nothing when there is no such file; of a file that is too large, a little more than is allowed.  Whoever
/// can write the settings can have the server listen in clear and keep its data in a directory of theirs: so
/// the file must belong to root or to us, and nobody else may write to it.  Throws StartupError.
[[nodiscard]] std::optional<std::string> read_settings_file(const std::filesystem::path& file);

}  // namespace securelogin
