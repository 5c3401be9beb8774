// faulty_disk.hpp: a disk that fails when a test says so, and counts what is written and synced.
//
// SQLite lets its system calls be replaced; the writes that it does to any file go through here.
#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <stdexcept>

namespace securelogin::store {

/// One at a time; made before the databases that it is for are opened.
class FaultyDisk {
  public:
    FaultyDisk()
    {
        failure_ = 0;
        writes_ = 0;
        syncs_ = 0;
        sync_failure_ = 0;
        auto* const vfs = sqlite3_vfs_find(nullptr);
        for (const auto* const call : kCalls) {
            if (vfs->xSetSystemCall(vfs, call, reinterpret_cast<sqlite3_syscall_ptr>(write_at)) !=
                SQLITE_OK) {
                throw std::runtime_error("SQLite does not know the system call");
            }
        }
    }
    ~FaultyDisk()
    {
        auto* const vfs = sqlite3_vfs_find(nullptr);
        for (const auto* const call : kCalls) vfs->xSetSystemCall(vfs, call, nullptr);
    }
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;

    /// From now on each write fails with this error number (ENOSPC: full); 0: all is well again.
    void fail_with(int error) noexcept { failure_ = error; }
    /// The next sync fails with this error number.
    void fail_next_sync_with(int error) noexcept { sync_failure_ = error; }
    [[nodiscard]] int writes() const noexcept { return writes_; }
    /// How often a file was put on disk.
    [[nodiscard]] int syncs() const noexcept { return syncs_; }
    /// The error number that this sync fails with; 0: it does not.
    [[nodiscard]] static int count_sync() noexcept
    {
        syncs_ += 1;
        return sync_failure_.exchange(0);
    }

  private:
    // SQLite uses one or the other, as it was built.
    static constexpr std::array kCalls{"pwrite", "pwrite64"};

    static ssize_t write_at(int descriptor, const void* octets, std::size_t size, off_t offset);

    static inline std::atomic<int> failure_ = 0;
    static inline std::atomic<int> writes_ = 0;
    static inline std::atomic<int> syncs_ = 0;
    static inline std::atomic<int> sync_failure_ = 0;
};

}  // namespace securelogin::store
