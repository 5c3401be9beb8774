// sqlite_token_reader.hpp: the domain's look-up of tokens on a connection of its own, set up for nothing
// else.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "server/auth/store.hpp"
#include "server/store/connection.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {

class SqliteTokenReader final : public auth::TokenReader {
  public:
    SqliteTokenReader(const std::filesystem::path& file, std::chrono::milliseconds busy_timeout);

    std::optional<auth::TokenHolder> find_token(const auth::TokenHash& token) override;

  private:
    Connection connection_;
    SQLite::Statement find_token_;
};

}  // namespace securelogin::store
