// wal_index.hpp: whether anything has been committed to a database since somebody looked.
//
// Every commit changes the head of SQLite's WAL index, which all connections of all processes share in memory
// (https://sqlite.org/walformat.html, section 2.1).  SQLite's own readers tell by it whether what they have
// cached is still good; they lock for it what they are about to read.  To look at the head alone takes
// neither a lock nor a system call (docs/decisions/0038-a-look-at-the-wal-index.md).
#pragma once

#include <SQLiteCpp/Database.h>

#include <array>
#include <cstdint>
#include <optional>

namespace securelogin::store {

class WalIndex {
  public:
    using Head = std::array<std::uint64_t, 6>;

    /// That of `database`, which must stay open for as long as this is used.  Nothing where there is none
    /// that we know how to read.  REQUIRES: `database` has been read from.  Throws SQLite::Exception.
    [[nodiscard]] static std::optional<WalIndex> of(SQLite::Database& database);

    /// When it is what it was, nothing has been committed in between.  Nothing while a commit is on its way.
    /// Any thread.
    [[nodiscard]] std::optional<Head> head() const noexcept;

  private:
    explicit WalIndex(std::uint64_t volatile* words) noexcept : words_(words) {}

    std::uint64_t volatile* words_;  // the head, twice; written by whoever commits
};

}  // namespace securelogin::store
