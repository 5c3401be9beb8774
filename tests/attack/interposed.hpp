// interposed.hpp: what the library's functions have in common: a call that may fail, else the system's.
//
// Calls that the C library makes inside itself (stdio, thread stacks) are not seen.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "fault_injector.hpp"

namespace securelogin::attack {

/// `file` or `socket` as the descriptor is one.  Pipes, events and the like never fail.
inline Call by_kind(int descriptor, Call file, Call socket) noexcept
{
    const int saved = errno;
    struct stat status{};
    const bool known = ::fstat(descriptor, &status) == 0;
    errno = saved;
    if (!known) return Call::none;
    if (S_ISREG(status.st_mode)) return file;
    return S_ISSOCK(status.st_mode) ? socket : Call::none;
}

/// By system call: the C library's function of that name is ours.
template <typename... Arguments>
long ask(Call call, long number, Arguments... arguments)
{
    return fails(call) ? -1 : ::syscall(number, arguments...);
}

}  // namespace securelogin::attack
