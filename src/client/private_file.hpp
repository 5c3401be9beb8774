// private_file.hpp: files that are the person's own: 0600 in directories of 0700, replaced in one step.
//
// Each function throws Failure (not_trusted) that names what was being done, the file, and why.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "client/file_descriptor.hpp"

namespace securelogin::client {

/// $XDG_CONFIG_HOME/securelogin, else ~/.config/securelogin.  It need not exist.
[[nodiscard]] std::filesystem::path configuration_directory();

/// 0700 where it is missing; those above it as the system makes them.
void make_private_directory(const std::filesystem::path& directory);

/// Held until it is closed; a rewrite by another program would lose what one of us added.
[[nodiscard]] FileDescriptor lock_directory(const std::filesystem::path& directory);

/// The old contents or the new, never a part of either, also after a power cut.  A symbolic link is replaced,
/// not followed.
void replace_file(const std::filesystem::path& file, std::string_view contents);

[[noreturn]] void file_failure(std::string_view doing, const std::filesystem::path& file,
                               const std::string& why);
/// Why: errno.
[[noreturn]] void file_failure(std::string_view doing, const std::filesystem::path& file);

}  // namespace securelogin::client
