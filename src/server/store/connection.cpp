#include "server/store/connection.hpp"

#include <sqlite3.h>

#include <utility>

namespace securelogin::store {
namespace {

/// SQLite counts what it allocates, under one mutex for all threads, unless told not to before its first use.
/// Nobody asks it.  Where it is in use already it goes on counting: slower, and no fault.
void count_no_memory()
{
    [[maybe_unused]] static const int told = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

SQLite::Database open_file(const std::filesystem::path& file, std::chrono::milliseconds busy_timeout)
try {
    count_no_memory();
    // NOMUTEX: one thread at a time anyway.  Not CREATE: the file's mode is ours to choose.
    return {file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX,
            static_cast<int>(busy_timeout.count())};
} catch (const SQLite::Exception& error) {
    throw_store_error("opening", file, error);
}

/// Nothing is ever put beside the data directory: a savepoint that has grown large would be, in /var/tmp.
constexpr const char* kForEveryConnection =
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cell_size_check = ON;";
/// FULL: a commit that was acknowledged survives power loss.  After a burst the WAL is cut back to 16 MiB.
/// Pages that have left the WAL are read through a mapping: resident memory stays small whatever the
/// database's size.  Caches are in KiB.
constexpr const char* kForWriting =
    "PRAGMA mmap_size = 1073741824;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA journal_size_limit = 16777216;"
    "PRAGMA cache_size = -1024;";
/// No mapping here: after each commit of the writer the next read would map the whole file anew.
constexpr const char* kForReading =
    "PRAGMA query_only = ON;"
    "PRAGMA cache_size = -128;";
/// Pages are used where they are mapped, and neither copied nor kept: a look-up among a million rows touches
/// a dozen, and seldom the same.  To check each cell of those would cost more than the look-up; what SQLite
/// checks in any case keeps it within the page, and what is found in a damaged one is the damage of
/// docs/security.md, 14.
constexpr const char* kForLookUps =
    "PRAGMA query_only = ON;"
    "PRAGMA mmap_size = 1073741824;"
    "PRAGMA cell_size_check = OFF;"
    "PRAGMA cache_size = -256;";

const char* set_up_for(Connection::Use use)
{
    switch (use) {
        case Connection::Use::write:
            return kForWriting;
        case Connection::Use::look_up:
            return kForLookUps;
        case Connection::Use::read:
            break;
    }
    return kForReading;
}

}  // namespace

Connection::Connection(std::filesystem::path file, Use use, std::chrono::milliseconds busy_timeout,
                       std::filesystem::path called)
    : file_(std::move(file)), database_(open_file(file_, busy_timeout))
{
    if (!called.empty()) file_ = std::move(called);
    attempt("opening", [&] { set_up(use); });
}

void Connection::set_up(Use use)
{
    // SQLite opens what it may not write for reading, without a word.
    if (sqlite3_db_readonly(database_.getHandle(), "main") == 1) {
        throw SQLite::Exception("read-only", SQLITE_READONLY);
    }
    database_.exec(kForEveryConnection);
    database_.exec(set_up_for(use));
}

bool Connection::in_transaction() const noexcept
{
    return sqlite3_get_autocommit(database_.getHandle()) == 0;
}

}  // namespace securelogin::store
