// restoration.hpp: a backup in the place of the database, so that nothing that was used up can be used again.
//
//   stage    the backup is copied beside the database, under a name of its own; nothing reads that
//   verify   is it a database of ours, whole, and does a master key at hand open it?  Brings an older schema
//   up to
//            date; in the copy
//   neutralize  in the copy, one transaction: every code that may have been spent is spent, no session,
//   invitation
//            or recovery code is left, what the present database holds against an account is held on to, and
//            the audit says that this was a restore
//   replace  the present database is kept under another name, and the copy takes its place, by one rename
//
// Until replace() nothing of the present database is changed; killed at any point, it is there, whole.  What
// is left of the copy then is removed by the next stage().
//
// REQUIRES: nobody of ours is at work on the database, or comes to be (DirectoryLock, As::only).  One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "server/auth/audit.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/master_key.hpp"
#include "server/store/held_on.hpp"
#include "server/store/keys.hpp"

namespace securelogin::store {

class Connection;

/// The backup, open for reading; both stay the caller's.
struct BackupFile {
    int database = -1;
    int log = -1;  // `FILE-wal`, where a whole data directory was copied; else none
    std::filesystem::path name;
};

/// What verify() found.
struct Verified {
    int schema_version = 0;  // that it came with
    std::uint32_t key_id = 0;
    std::int64_t users = 0;
    auth::AuditMark last;              // its audit's end
    std::optional<auth::Time> newest;  // the latest moment that its audit knows of
};

/// The database that is to be replaced.
struct Replaced {
    enum class State { missing, damaged, good } state = State::missing;
    std::optional<auth::Time> newest = {};  // good: as above
    std::optional<auth::AuditMark> last = {};
};

class Restoration {
  public:
    Restoration(const std::filesystem::path& database, auth::MasterKeySource keys);
    /// Removes the copy unless it has become the database.
    ~Restoration();
    Restoration(const Restoration&) = delete;
    Restoration& operator=(const Restoration&) = delete;

    // Each throws auth::StoreError, which names the file, why not, and the remedy; in this order.

    void stage(const BackupFile& backup);
    [[nodiscard]] Verified verify();
    /// Puts the present database in order, so that it is one file: REQUIRED before what follows.  Throws
    /// StoreBusy where another program, of whosoever's, has it open.
    [[nodiscard]] Replaced look_at_replaced();
    /// `moment`: no code was spent later.  `window`: of the settings, in steps.
    [[nodiscard]] HeldOn neutralize(auth::Time moment, int window);
    /// Under which name the present one is kept; nothing where there was none.
    [[nodiscard]] std::optional<std::filesystem::path> replace(auth::Time now);

  private:
    void require_whole();
    void require_key();
    void require_all_keys();
    void require_replaceable(Connection& present) const;
    void require_genuine_audit();
    void forget_table(const char* table);
    void record(auth::Time moment);
    [[noreturn]] void refuse(const std::string& why, const std::string& remedy) const;

    const std::filesystem::path database_;  // no symbolic link
    const std::filesystem::path staged_;
    const auth::MasterKeySource source_;
    Keys keys_;
    std::filesystem::path backup_;            // for messages
    std::unique_ptr<Connection> connection_;  // to the copy, from verify() to neutralize()
    Replaced replaced_;
};

}  // namespace securelogin::store
