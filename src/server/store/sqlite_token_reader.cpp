#include "server/store/sqlite_token_reader.hpp"

#include "server/store/execution.hpp"
#include "server/store/rows.hpp"

namespace securelogin::store {

SqliteTokenReader::SqliteTokenReader(const std::filesystem::path& file,
                                     std::chrono::milliseconds busy_timeout)
    : connection_(file, Connection::Use::look_up, busy_timeout),
      find_token_(connection_.attempt(
          "opening", [this] { return SQLite::Statement(connection_.database(), sql::kFindToken); }))
{
}

std::optional<auth::TokenHolder> SqliteTokenReader::find_token(const auth::TokenHash& token)
{
    return connection_.attempt("looking up a token in", [&]() -> std::optional<auth::TokenHolder> {
        Execution found(find_token_, token);
        if (!found.next()) return std::nullopt;
        return token_holder_in(find_token_);
    });
}

}  // namespace securelogin::store
