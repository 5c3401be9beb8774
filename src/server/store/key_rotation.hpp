// key_rotation.hpp: all that is sealed goes under a new master key, while other programs use the database.
//
//   begin    one transaction: from here on everybody seals under the new key, the audit goes on under it, and
//            what outlives a master key (kept_keys.hpp) is sealed under it
//   reseal   user by user, in small transactions that take turns with other programs'; both keys open values
//   finish   one transaction: no value is under the old key any more; the caller may drop it
//
// Killed at any point, it is begun again with the same two keys and goes on; nothing is done twice that must
// not be.  A new table with sealed values belongs into reseal(); tests/server/store/key_rotation_test.cpp
// looks for what was left behind in every table.
//
// One thread at a time, one process at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/auth/clock.hpp"
#include "server/auth/master_key.hpp"
#include "server/store/keys.hpp"

namespace securelogin::store {

class Connection;

class KeyRotation {
  public:
    /// From the oldest to the newest of `source`'s keys, which may be one and the same.  REQUIRES: they are
    /// durable where every program that opens the database looks for them; open_sqlite_store() has opened it
    /// before.  Throws auth::StoreError.
    KeyRotation(const std::filesystem::path& file, const auth::MasterKeySource& source,
                std::chrono::milliseconds busy_timeout = std::chrono::seconds(10));

    ~KeyRotation();
    KeyRotation(const KeyRotation&) = delete;
    KeyRotation& operator=(const KeyRotation&) = delete;

    /// False, and nothing is changed, where it was begun before.  Throws auth::StoreError, also when the
    /// database is under neither key.
    bool begin(auth::Time now);

    /// One pass over all users; how many values had to be resealed.  `progress` is told how many users have
    /// been seen.  A pass that answers nought has found nothing under another key than the new one, and there
    /// will be nothing any more.  REQUIRES: begin.  Throws auth::StoreError, also for a value that does not
    /// open.
    std::uint64_t reseal(const std::function<void(std::uint64_t)>& progress);

    /// Nothing where it was finished before.  REQUIRES: a pass of reseal() has answered nought.
    void finish(auth::Time now);

    /// Old values go out of SQLite's log too.  False where another program is reading there: they go with a
    /// later checkpoint.
    [[nodiscard]] bool empty_log();

    [[nodiscard]] std::uint64_t count_users();

  private:
    struct Sealed;
    struct Resealed;

    [[nodiscard]] std::vector<Sealed> read_page(const std::string& after);
    [[nodiscard]] std::vector<Resealed> reseal(const std::vector<Sealed>& page) const;
    void write_page(const std::vector<Resealed>& page);
    [[nodiscard]] SealedValue under_new_key(const SealedValue& value, const SealedPlace& place) const;
    void keep_keys(const auth::AuditMark& last);
    void append(const auth::AuditHead& head, const auth::AuditChain& chain, const auth::AuditRecord& record);
    [[nodiscard]] auth::AuditHead genuine_head(const auth::AuditChain& chain);
    [[nodiscard]] std::uint32_t key_in_use();

    const std::unique_ptr<Connection> connection_;
    const auth::MasterKey old_master_;
    const auth::MasterKey new_master_;
    const Keys::Key old_{old_master_};
    const Keys::Key new_{new_master_};
};

}  // namespace securelogin::store
