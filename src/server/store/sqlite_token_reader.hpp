// sqlite_token_reader.hpp: the domain's look-up of tokens on a connection of its own, set up for nothing
// else.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "server/auth/store.hpp"
#include "server/store/connection.hpp"
#include "server/store/statements.hpp"
#include "server/store/wal_index.hpp"

namespace securelogin::store {

class SqliteTokenReader final : public auth::TokenReader {
  public:
    SqliteTokenReader(const std::filesystem::path& file, std::chrono::milliseconds busy_timeout);

    std::optional<auth::FoundToken> find_token(const auth::TokenHash& token) override;
    auth::TokenEndings endings() override;
    std::optional<std::vector<auth::TokenHash>> ended_since(auth::TokenEndings seen) override;

  private:
    struct Statements {
        explicit Statements(SQLite::Database& database)
            : find_token(database, sql::kFindToken),
              last_ending(database, sql::kLastTokenEnding),
              ended_since(database, sql::kTokensEndedSince)
        {
        }
        SQLite::Statement find_token, last_ending, ended_since;
    };

    [[nodiscard]] auth::TokenEndings count_endings();

    Connection connection_;
    Statements statements_;
    std::optional<WalIndex> index_;
    std::optional<WalIndex::Head> counted_at_;
    auth::TokenEndings counted_ = 0;  // at counted_at_
};

}  // namespace securelogin::store
