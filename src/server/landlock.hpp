// landlock.hpp: the files that this process can still get at (landlock(7)).
//
// What is not named cannot be opened, made or removed any more, by root neither; nor can anything be
// executed, TCP connected to, another process traced or sent a signal.  What is open already stays open.  Not
// covered by Landlock: to ask for the names, modes and owners of files, and to change the latter two; the
// filter of system calls (system_calls.hpp) sees to that.
#pragma once

#include <filesystem>
#include <vector>

namespace securelogin {

struct Reach {
    std::vector<std::filesystem::path> read;  // files, or directories with all below
    std::vector<std::filesystem::path> keep;  // directories: files in them are read, written, made, removed
    std::vector<std::filesystem::path> sockets;  // directories: Unix sockets are made in them, and removed
    std::vector<std::filesystem::path> devices;  // read and written
};

/// For this thread and all that it starts from now on, for good.  A path that does not exist is left out.
/// The version of Landlock that is in force; 0 where the kernel has none or a sandbox around us forbids it.
/// Throws StartupError when the kernel has it and it cannot be used.
[[nodiscard]] int restrict_files(const Reach& reach);

}  // namespace securelogin
