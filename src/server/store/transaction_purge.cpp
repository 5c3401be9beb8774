// What can no longer matter goes: sqlite_transaction.hpp.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "server/store/execution.hpp"
#include "server/store/sqlite_transaction.hpp"

namespace securelogin::store {

bool SqliteTransaction::purge(const auth::Purge& purge)
{
    constexpr std::string_view doing = "purging";
    const auto most = static_cast<std::int64_t>(purge.rows);
    const int sessions = change(doing, statements_.purge_sessions, purge.now, most);
    const int failures = change(doing, statements_.purge_failures, purge.forgotten, most);
    const int refusals = change(doing, statements_.purge_refusals, purge.forgotten, most);
    const int ceilings = change(doing, statements_.purge_ceilings, purge.now, most);
    const int sources = change(doing, statements_.purge_sources, purge.forgotten_source, most);
    const int devices = change(doing, statements_.purge_devices, purge.now - auth::kDevicesForgotten, most);
    const int invitations = change(doing, statements_.purge_invitations, purge.now, most);
    const int endings = change(doing, statements_.purge_token_endings, auth::kEndingsKept, most);
    const bool more =
        std::max({sessions, failures, refusals, ceilings, sources, devices, invitations, endings}) >= most;
    return trim(purge) || more;
}

/// What is beyond the bound goes; true when there may be more.
bool SqliteTransaction::trim(const auth::Purge& purge)
{
    constexpr std::string_view doing = "purging";
    const auto counts = attempt(doing, [&] {
        Execution counting(statements_.count_for_purge);
        [[maybe_unused]] const bool there = counting.next();  // always one row
        auto& row = statements_.count_for_purge;
        return std::array{row.getColumn(0).getInt64(), row.getColumn(1).getInt64(),
                          row.getColumn(2).getInt64()};
    });
    const std::array<SQLite::Statement*, 3> trims{&statements_.trim_failures, &statements_.trim_refusals,
                                                  &statements_.trim_ceilings};
    bool more = false;
    for (std::size_t table = 0; table < trims.size(); ++table) {
        const auto excess = counts[table] - static_cast<std::int64_t>(purge.most_kept);
        if (excess <= 0) continue;
        const auto rows = static_cast<std::int64_t>(purge.rows);
        change(doing, *trims[table], std::min(excess, rows));
        more = more || excess > rows;
    }
    return more;
}

}  // namespace securelogin::store
