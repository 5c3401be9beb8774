// confinement.hpp: what is left to the daemon once it serves: its own files, and few system calls.
//
// In two steps.  Which files can be reached is settled before there is a second thread, since Landlock holds
// for a thread and those that it starts; which system calls can be made, once the sockets listen.
// docs/security.md, "Who has broken in", says what is left then.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "common/event_log.hpp"
#include "server/config.hpp"
#include "server/landlock.hpp"

namespace securelogin {

/// What a daemon with these settings needs: its data directory; for the next reload, the directories that the
/// settings, the certificate's files and the list of breached passwords lie in; the directories of Unix
/// sockets; a few of the system's.
[[nodiscard]] Reach reach_of(const Settings& settings, const std::filesystem::path& data,
                             const std::filesystem::path& settings_file);

class Confinement {
  public:
    /// Gives up what root may do beyond others.  Restricts which files this thread, and all that it starts,
    /// can reach, unless `mode` is off.  REQUIRES: what listens is bound. Throws StartupError, also where
    /// `mode` is required and the kernel cannot.  Once, with no other thread.
    Confinement(Confine mode, const Reach& reach);

    /// Restricts the system calls of all threads, and tells the log what is in force.  Throws StartupError.
    void complete(EventLog& log);

    /// Throws StartupError when `file`, which new settings name, lies where this process no longer sees it.
    void require_reachable(const std::filesystem::path& file) const;

  private:
    const Confine mode_;
    std::vector<std::filesystem::path> readable_;
    int landlock_ = 0;  // version; 0: none
};

}  // namespace securelogin
