// errors.hpp: what SQLite says, as an operator needs it: what was being done, on which file, why not, and the
// remedy.
#pragma once

#include <SQLiteCpp/Exception.h>

#include <filesystem>
#include <string_view>

#include "server/auth/store.hpp"

namespace securelogin::store {

/// `DOING FILE: WHY: REMEDY`.
[[nodiscard]] auth::StoreError store_error(std::string_view doing, const std::filesystem::path& file,
                                           std::string_view why, std::string_view remedy);

/// What it reads is not what SQLite has written.
[[nodiscard]] bool is_damage(const SQLite::Exception& error) noexcept;

/// As StoreError; as StoreBusy (sqlite_store.hpp) where another program is in the way, as StoreDamaged where
/// is_damage().
[[noreturn]] void throw_store_error(std::string_view doing, const std::filesystem::path& file,
                                    const SQLite::Exception& error);

}  // namespace securelogin::store
