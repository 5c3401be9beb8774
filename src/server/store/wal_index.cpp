#include "server/store/wal_index.hpp"

#include <sqlite3.h>

#include <cstring>

namespace securelogin::store {
namespace {

constexpr int kFirstBlock = 32768;           // octets; section 2
constexpr std::uint32_t kVersion = 3007000;  // of the format, since SQLite 3.7.0

}  // namespace

std::optional<WalIndex> WalIndex::of(SQLite::Database& database)
{
    // Of any other database it would be made by being asked for.
    if (database.execAndGet("PRAGMA journal_mode").getString() != "wal") return std::nullopt;
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER,
                             static_cast<void*>(&file)) != SQLITE_OK)
        return std::nullopt;
    constexpr int with_shared_memory = 2;
    if (file == nullptr || file->pMethods == nullptr || file->pMethods->iVersion < with_shared_memory)
        return std::nullopt;
    constexpr int first = 0;
    constexpr int as_it_is = 0;
    void volatile* block = nullptr;
    if (file->pMethods->xShmMap(file, first, kFirstBlock, as_it_is, &block) != SQLITE_OK || block == nullptr)
        return std::nullopt;
    const WalIndex index(static_cast<std::uint64_t volatile*>(block));
    const auto head = index.head();
    std::uint32_t version = 0;
    if (head) std::memcpy(&version, head->data(), sizeof version);
    return version == kVersion ? std::optional(index) : std::nullopt;
}

/// A commit writes the second of the two heads first.
std::optional<WalIndex::Head> WalIndex::head() const noexcept
{
    Head first{};
    Head second{};
    for (std::size_t at = 0; at < first.size(); ++at) {
        // Not atomic_ref, which takes nothing volatile, as SQLite gives it.
        first[at] = __atomic_load_n(words_ + at, __ATOMIC_ACQUIRE);
        second[at] = __atomic_load_n(words_ + first.size() + at, __ATOMIC_ACQUIRE);
    }
    return first == second ? std::optional(first) : std::nullopt;
}

}  // namespace securelogin::store
