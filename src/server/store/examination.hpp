// examination.hpp: is the database whole, and ours?  Reads all of it, and changes nothing.
//
// Takes seconds on a database of a million users; logins go on meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/auth/clock.hpp"
#include "server/auth/master_key.hpp"

namespace SQLite {
class Database;
}

namespace securelogin::store {

struct Examined {
    int schema_version = 0;
    int newest_schema = 0;            // that this program knows
    std::vector<std::string> damage;  // what SQLite's integrity check says, at most ten lines; empty: nothing
    std::uint32_t key_id = 0;         // of the master key that it is under
    bool key_at_hand = false;         // and opens it
    std::optional<std::uint32_t> retiring_key_id = {};  // while a rotation is unfinished
    bool retiring_key_at_hand = false;
    bool audit_end_genuine = false;  // false also where the key is not at hand, or the schema is older
    std::optional<auth::Time> newest_record = {};
};

/// What SQLite's integrity check says, a line each, at most ten; and a row that refers to nothing.  Empty: it
/// is whole.  Throws SQLite::Exception.
[[nodiscard]] std::vector<std::string> damage_in(SQLite::Database& database);

/// Throws auth::StoreError where it cannot be opened, or is none of ours.
[[nodiscard]] Examined examine(const std::filesystem::path& file, const auth::MasterKeySource& source,
                               std::chrono::milliseconds busy_timeout = std::chrono::milliseconds(2000));

}  // namespace securelogin::store
