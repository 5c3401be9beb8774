// backup.hpp: a copy of the database as it stands at one moment, made while other programs write to it.
//
// SQLite's online backup, from within one read transaction: what is committed meanwhile is not in it, and the
// copy is never begun anew.  Small steps with pauses between them, each piece on disk before the next: others
// find the processor and the disk free most of the time.  Readers hold up nobody in WAL; SQLite's log,
// however, grows until the copy is done.  docs/decisions/0032 has what was considered.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

namespace securelogin::store {

struct BackupOptions {
    int pages_per_step = 64;  // 256 KiB
    int pause_per_work = 3;   // a step's own time, so many times: a quarter of the time at work
    std::int64_t octets_per_sync = 4 << 20;
    std::chrono::milliseconds busy_timeout{2000};
};

/// What the copy is.
struct BackedUp {
    std::int64_t octets = 0;
    int schema_version = 0;
    std::uint32_t key_id = 0;  // of the master key that opens it, which is not in it
    std::optional<std::uint32_t>
        retiring_key_id{};  // and some of it may need this one: a rotation was unfinished
};

/// Copies `database` into the file that `descriptor` is, which is empty and open for reading and writing;
/// `name` is what messages call it.  On disk when this returns; its name is the caller's to make durable.
/// `progress` is told octets done, and octets in all.  An older schema that this program knows is copied as
/// it is.  Throws auth::StoreError; then the file holds nothing of use.
BackedUp back_up(const std::filesystem::path& database, int descriptor, const std::filesystem::path& name,
                 const std::function<void(std::int64_t, std::int64_t)>& progress,
                 const BackupOptions& options = {});

}  // namespace securelogin::store
