// kept_keys.hpp: what does not go with a master key that is rotated.
//
// Names stay known by the hash under the first key; the audit's records stay under the key that they were
// written with.  Both keys are in the database then, sealed under the present master key (sql/schema.sql).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "server/auth/audit_chain.hpp"
#include "server/auth/master_key.hpp"
#include "server/store/seal.hpp"

namespace securelogin::store {

struct KeptKeys {
    std::uint32_t key_id = 0;  // of the master key that values are sealed under
    std::optional<std::uint32_t> retiring =
        {};  // values may still be under this one: a rotation is unfinished
    auth::NameKeyer names;
    auth::AuditChain chain;  // that goes on
    std::vector<auth::EarlierChain> earlier = {};
};

inline constexpr SealedPlace kNameKey{.table = "installation", .column = "name_key"};

/// Where the key of the chain up to record `last_id` belongs: it opens as that of no other records.
[[nodiscard]] SealedPlace audit_key_up_to(std::int64_t last_id);

/// Of a database that open_sqlite_store() has opened before.  Throws auth::StoreError.
[[nodiscard]] KeptKeys read_kept_keys(
    const std::filesystem::path& file, const auth::MasterKeySource& source,
    std::chrono::milliseconds busy_timeout = std::chrono::milliseconds(2000));

}  // namespace securelogin::store
