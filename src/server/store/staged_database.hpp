// staged_database.hpp: a database's file that is made ready beside the one that it is to replace.
//
// All throw auth::StoreError.
#pragma once

#include <filesystem>
#include <optional>

#include "server/auth/clock.hpp"

namespace securelogin::store {

/// Its name: always the same, so that what a killed program has left is found.
[[nodiscard]] std::filesystem::path staged_beside(const std::filesystem::path& database);

/// All of `descriptor` from its beginning, in a new file, mode 0600; what had that name before is gone.
/// `origin` is what messages call it.
void copy_to_staged(int descriptor, const std::filesystem::path& file, const std::filesystem::path& origin);

/// With its log, if it has one.
void remove_staged(const std::filesystem::path& staged) noexcept;

/// `staged`, which nobody has open, takes the place of `database`; what was there, its log included, is kept
/// under the name that is the answer.  At every moment there is a whole database under one name and, once
/// this returns, durably.  REQUIRES: nobody has `database` open.
[[nodiscard]] std::optional<std::filesystem::path> publish_staged(const std::filesystem::path& staged,
                                                                  const std::filesystem::path& database,
                                                                  auth::Time now);

}  // namespace securelogin::store
