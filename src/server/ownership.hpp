// ownership.hpp: what a file or directory must be before it is trusted, and the process made the one that
// owns it.
//
// All throw StartupError: one line that names the file and the remedy.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace securelogin {

/// What errno says of a file, and what to do about it where that is known.
[[nodiscard]] std::string explain(int error);

/// `path`, quoted for a shell where it has to be: what a remedy tells to type can be typed.
[[nodiscard]] std::string shell_word(const std::filesystem::path& path);

/// The data directory, as opened: a directory of ours (root takes any owner's) that nobody else can enter.
void require_private_directory(const struct stat& status, const std::filesystem::path& path);

/// A secret's file, as opened: regular, ours or root's, and nobody else can read it.
void require_private_file(const struct stat& status, const std::filesystem::path& path);

/// The data directory, as opened, belongs to the user of that name, and this process is that user or root.
void require_user(const std::string& name, const struct stat& status, const std::filesystem::path& path);

/// As root: a directory just made is given to the user of that name.
void give_to(const std::string& name, const std::filesystem::path& path);

/// As root: the process becomes the user who owns `status` for good, in that user's own group and no other;
/// checked. As anybody else: nothing.
void become_owner(const struct stat& status, const std::filesystem::path& path);

}  // namespace securelogin
