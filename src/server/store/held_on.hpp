// held_on.hpp: what a database that is replaced knows better than the backup that comes in its place.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace SQLite {
class Database;
}

namespace securelogin::store {

/// Accounts, all of them counted, and the first of them named.
struct HeldAccounts {
    static constexpr std::size_t kMostNamed = 10'000;

    std::size_t count = 0;
    std::vector<std::string> names = {};  // in their order
};

struct HeldOn {
    HeldAccounts disabled;    // have been disabled or removed since the backup: disabled now
    HeldAccounts unenrolled;  // their TOTP key has been taken away since: it is not back
    HeldAccounts stale;       // their password or TOTP key has been changed since: the old one is back
};

/// In the transaction that runs in `database`, to which the other one is attached as `replaced`: the later of
/// two steps, the more of wrong codes, the disabled of two states.  Where the other one has been restored
/// itself, what it does not know is disabled too: it may have been disabled in the one that stood there
/// before.  Throws SQLite::Exception.
[[nodiscard]] HeldOn hold_on(SQLite::Database& database);

}  // namespace securelogin::store
