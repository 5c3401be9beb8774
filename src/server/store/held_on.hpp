// held_on.hpp: what a database that is replaced knows better than the backup that comes in its place.
#pragma once

#include <cstdint>

namespace SQLite {
class Database;
}

namespace securelogin::store {

struct HeldOn {
    std::int64_t disabled = 0;  // accounts that have been disabled or removed since the backup: disabled now
    std::int64_t stale =
        0;  // accounts whose password or TOTP key has been changed since: the old one is back
};

/// In the transaction that runs in `database`, to which the other one is attached as `replaced`: the later of
/// two steps, the more of wrong codes, the disabled of two states.  Throws SQLite::Exception.
[[nodiscard]] HeldOn hold_on(SQLite::Database& database);

}  // namespace securelogin::store
