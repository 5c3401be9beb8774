// write_recorder.hpp: what a program has written, made and synced, in the order in which it did.
//
// For LD_PRELOAD (interposed_files.cpp).  Several programs append to one file, named by
// SECURELOGIN_DISK_RECORD and open since the library was loaded; disk_model.py builds from it what a power
// loss at any moment may leave.  A write is recorded after it was done, a sync before and after: what was
// recorded before a sync that has ended is on disk.  Without the file nothing is recorded.  Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace securelogin::attack {

/// The numbers are disk_model.py's.
enum class Deed : std::uint32_t {
    made = 1,    // a file was opened with O_CREAT; it may have been there
    write,       // at `offset`
    truncate,    // to `offset`
    sync_begin,  // `offset` is the thread
    sync_end,    // that has succeeded; `offset` as above
    rename,
    link,
    unlink,
    directory,   // was made
    sync_fails,  // after sync_begin: what it was to write may be gone, and no later sync writes it
};

/// What a descriptor stands for, and octets.  Does nothing for anything but files and directories.
void record(Deed deed, int descriptor, std::int64_t offset, const void* data = nullptr, std::size_t size = 0);
/// Octets that were written where the descriptor stood.
void record_appended(int descriptor, const void* data, std::size_t size);

/// A path, in `directory` as openat(2) has it.
struct Place {
    int directory;
    const char* path;
};
/// Also for Deed::made, with the descriptor that it gave.
void record(Deed deed, Place place, Place other, int descriptor = -1);

}  // namespace securelogin::attack
