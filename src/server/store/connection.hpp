// connection.hpp: one connection to the file, set up as all of ours are.
#pragma once

#include <SQLiteCpp/Database.h>

#include <chrono>
#include <filesystem>
#include <string_view>

#include "server/store/errors.hpp"
#include "server/store/seal.hpp"

namespace securelogin::store {

/// May be handed from one thread to another; used by one at a time.
class Connection {
  public:
    /// look_up: one small read after the other, as fast as can be.
    enum class Use { write, read, look_up };

    /// Opens the file, which must exist.  Throws StoreError, also when it is to be written and cannot be.
    /// `called`: what errors name in its place.
    Connection(std::filesystem::path file, Use use, std::chrono::milliseconds busy_timeout,
               std::filesystem::path called = {});

    [[nodiscard]] SQLite::Database& database() noexcept { return database_; }
    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }
    [[nodiscard]] bool in_transaction() const noexcept;

    /// What `function` returns; what SQLite or the seal throws out of it becomes a StoreError.
    template <typename Function>
    auto attempt(std::string_view doing, Function function) const
    {
        try {
            return function();
        } catch (const SQLite::Exception& error) {
            throw_store_error(doing, file_, error);
        } catch (const SealError& error) {
            throw store_error(doing, file_, error.what(), "restore the database from a backup");
        }
    }

  private:
    void set_up(Use use);

    std::filesystem::path file_;
    SQLite::Database database_;
};

}  // namespace securelogin::store
