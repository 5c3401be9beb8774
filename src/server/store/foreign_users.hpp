// foreign_users.hpp: the users in the databases of the two programs that this one replaces.
//
//   socket   `userdata.db`, table `userdata`: username, password (SHA-256 in hexadecimal, without a salt)
//   flask    `users.db`, table `user`: username, otp_secret (base32); no password
//
// The file is opened for reading and nothing of it is changed.  One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace SQLite {
class Database;
}

namespace securelogin::store {

enum class ForeignKind { socket, flask };

/// A row as it is.  A value that is no text is nothing.
struct ForeignUser {
    std::uint64_t row = 0;  // SQLite's rowid: the program's own `id`
    std::optional<std::string> name = {};
    std::optional<std::string> credential = {};  // password or otp_secret
};

class ForeignUsers {
  public:
    /// Throws auth::StoreError.
    explicit ForeignUsers(std::filesystem::path file);
    ~ForeignUsers();
    ForeignUsers(ForeignUsers&&) noexcept;
    ForeignUsers& operator=(ForeignUsers&&) = delete;

    /// Whose tables are there: none, one or both.  Throws auth::StoreError.
    [[nodiscard]] std::vector<ForeignKind> kinds();
    /// Throws auth::StoreError.
    [[nodiscard]] std::uint64_t count(ForeignKind kind);
    /// In the order of rowids; bounded memory whatever their number.  Throws auth::StoreError, what `visit`
    /// throws.
    void for_each(ForeignKind kind, const std::function<void(ForeignUser)>& visit);

  private:
    template <typename Function>
    auto attempt(Function function);

    std::filesystem::path file_;
    std::unique_ptr<SQLite::Database> database_;
};

}  // namespace securelogin::store
