// system_calls.hpp: what this process may still ask the kernel for (seccomp(2)).
//
// Once it listens, a login server reads and writes what is open, opens its own files, and starts threads. All
// else is refused: to execute, to connect, bind or listen, to open any socket but one that tells the service
// manager, to map memory that can be executed, to trace, to send signals, to become somebody else, to mount,
// to change modes and owners by name.  Refused calls fail; the process goes on, and every error path denies.
#pragma once

namespace securelogin {

/// For all threads, and all that they start from now on, for good.  False where the kernel has no filters, or
/// a sandbox around us forbids it.  Throws StartupError when it cannot be done otherwise.
[[nodiscard]] bool restrict_system_calls();

}  // namespace securelogin
