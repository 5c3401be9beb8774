// directory_lock.hpp: who is at work in a data directory: many at once, or one who replaces what is in it.
//
// A file `lock` (0600) in the directory, held by flock(2), which the kernel gives back with the process,
// however that ends.  The daemon says besides (fcntl(2)) that it is one: so others can tell whether it runs,
// and which process it is.
//
// REQUIRES: a process holds one at a time, and opens the file in no other way: closing it would give the
// daemon's mark back (POSIX).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "server/descriptor.hpp"
#include "server/startup_error.hpp"

namespace securelogin {

/// Somebody is at work there: the same may work a little later.
class DirectoryBusy final : public StartupError {
  public:
    using StartupError::StartupError;
};

class DirectoryLock {
  public:
    enum class As {
        daemon,
        program,  // beside others
        only      // alone: no daemon and no other program until this is gone
    };

    /// Waits for nobody.  Throws DirectoryBusy where another is in the way, and says who; StartupError where
    /// the file cannot be made or locked.  REQUIRES: the process is the directory's owner
    /// (DataDirectory::open).
    DirectoryLock(const std::filesystem::path& data, As as);

  private:
    Descriptor file_;
};

/// The process id of a daemon that runs on it, nought where that cannot be seen from here; nothing where none
/// does.  REQUIRES: this process is not one.  Throws StartupError.
[[nodiscard]] std::optional<pid_t> running_daemon(const std::filesystem::path& data);

}  // namespace securelogin
