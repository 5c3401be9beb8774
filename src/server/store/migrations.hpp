// migrations.hpp: which schema a database has, and the way from there to the one that this program knows.
//
// sql/schema.sql makes new databases at kSchemaVersion.  Older ones get there by steps, all of them in one
// transaction: a program that is killed in the middle leaves the old schema, whole.
#pragma once

#include <span>
#include <string_view>

#include "server/auth/audit_chain.hpp"
#include "server/store/connection.hpp"
#include "server/store/keys.hpp"

namespace securelogin::store {

/// Told apart from other programs' SQLite files by this: "SLDB".
inline constexpr int kApplicationId = 0x534C4442;
inline constexpr int kSchemaVersion = 2;

struct Migration {
    int from;
    int to;
    const char* sql;  // runs with foreign keys off; they are checked afterwards
    void (*then)(Connection& connection, const auth::AuditChain& chain) = nullptr;  // what SQL cannot do
};

/// The steps to kSchemaVersion.
[[nodiscard]] std::span<const Migration> migrations() noexcept;

/// What shows that a key is the one that the database is under: this text, sealed.
inline constexpr SealedPlace kKeyCheck{.table = "installation", .column = "key_check"};
inline constexpr std::string_view kKeyCheckText = "this is the key";

enum class Content { nothing, ours };

/// Throws StoreError for another program's database and for a file that is none.
[[nodiscard]] Content identify(Connection& connection);

/// Makes the tables and says which master key they are under.  Does nothing when another process has done so
/// meanwhile.
void make_schema(Connection& connection, const Sealer& sealer, const auth::AuditChain& chain);

/// Throws StoreError for a schema that is newer than `newest`.
void require_known_schema(Connection& connection, int newest);

/// Throws OlderSchema for one that is older.
void require_no_older_schema(Connection& connection, int newest);

/// Brings the schema to version `newest` by `steps`.  Throws StoreError, and changes nothing, for one that is
/// newer or that no step leads from.  REQUIRES: use_key_of, as steps may compute MACs.
void migrate(Connection& connection, std::span<const Migration> steps, int newest,
             const auth::AuditChain& chain);

/// The key that the database is under is the one in use.  Throws StoreError where that one is not at hand.
void use_key_of(Connection& connection, Keys& keys);

}  // namespace securelogin::store
