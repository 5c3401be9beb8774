// sqlite_store.hpp: the domain's store in one SQLite file.
//
// WAL, synchronous=FULL, foreign keys, STRICT tables (sql/schema.sql).  Password hashes and TOTP secrets are
// sealed (store/seal.hpp) under a key derived from the master key, and bound to their table, column, user id
// and user name. Several processes may have the file open: the daemon and the administrator's program.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "server/auth/master_key.hpp"
#include "server/auth/store.hpp"
#include "server/store/metrics.hpp"

namespace securelogin::store {

/// Another program keeps the file locked: the same may work a little later.
class StoreBusy final : public auth::StoreError {
  public:
    using StoreError::StoreError;
};

/// What is in the file is not what was written.
class StoreDamaged final : public auth::StoreError {
  public:
    using StoreError::StoreError;
};

/// The database has an older schema, and whoever opened it was not to change it.
class OlderSchema final : public auth::StoreError {
  public:
    using StoreError::StoreError;
};

struct SqliteOptions {
    enum class IfMissing { make, refuse } if_missing = IfMissing::refuse;
    enum class IfOlder { migrate, refuse } if_older = IfOlder::migrate;
    /// How long a write waits for another process's before it is given up.
    std::chrono::milliseconds busy_timeout{2000};
    /// Under load, work waits this long for more to share its commit.  Work alone never waits.
    std::chrono::milliseconds gather{0};
    /// Where the writer counts; has to outlive the store.
    Metrics* metrics = nullptr;
};

/// Opens the file, makes or migrates the schema, checks that the master key that it is under is at hand, and
/// starts the writer.  A new one is under the newest.  While it is open, the key may be rotated.  Throws
/// OlderSchema where that is to be refused, and nothing is changed; auth::StoreError: not a database, another
/// program's, a newer schema, another key, unreadable, read-only, locked; each names the file and the remedy.
[[nodiscard]] std::unique_ptr<auth::Store> open_sqlite_store(const std::filesystem::path& file,
                                                             const auth::MasterKeySource& source,
                                                             const SqliteOptions& options);

/// The same for who has one key.
[[nodiscard]] std::unique_ptr<auth::Store> open_sqlite_store(const std::filesystem::path& file,
                                                             const auth::MasterKey& master,
                                                             const SqliteOptions& options);

}  // namespace securelogin::store
