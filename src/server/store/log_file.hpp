// log_file.hpp: SQLite's write-ahead log, where the disk has failed to sync it.
//
// The kernel tells of a failed sync once: it keeps what it could not write as if it were on disk, and the
// next sync succeeds (fsync(2), NOTES).  Commits that were not synced when it failed would be a hole in the
// log that only the next recovery finds, and with it all that was acknowledged later would be lost.
#pragma once

#include <filesystem>

namespace securelogin::store {

/// Writes what the log holds once more, octet by octet where it is, and syncs it.  Throws auth::StoreError:
/// then the log is as doubtful as before.  REQUIRES: nobody writes to it meanwhile; who reads sees no change.
void write_again(const std::filesystem::path& log);

}  // namespace securelogin::store
