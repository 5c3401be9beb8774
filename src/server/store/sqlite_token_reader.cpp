#include "server/store/sqlite_token_reader.hpp"

#include <utility>

#include "server/store/execution.hpp"
#include "server/store/rows.hpp"

namespace securelogin::store {

SqliteTokenReader::SqliteTokenReader(const std::filesystem::path& file,
                                     std::chrono::milliseconds busy_timeout)
    : connection_(file, Connection::Use::look_up, busy_timeout),
      statements_(connection_.attempt("opening", [this] { return Statements(connection_.database()); }))
{
}

std::optional<auth::FoundToken> SqliteTokenReader::find_token(const auth::TokenHash& token)
{
    return connection_.attempt("looking up a token in", [&]() -> std::optional<auth::FoundToken> {
        Execution found(statements_.find_token, token);
        if (!found.next()) return std::nullopt;
        return found_token_in(statements_.find_token);
    });
}

auth::TokenEndings SqliteTokenReader::endings()
{
    // Before the look: what is committed meanwhile is counted twice rather than never.
    const auto head = index_ ? index_->head() : std::nullopt;
    if (head && head == counted_at_) return counted_;
    counted_ = count_endings();
    counted_at_ = head;
    if (!index_) {
        index_ = connection_.attempt("finding the WAL index of",
                                     [this] { return WalIndex::of(connection_.database()); });
    }
    return counted_;
}

auth::TokenEndings SqliteTokenReader::count_endings()
{
    return connection_.attempt("counting the endings of tokens in", [&]() -> auth::TokenEndings {
        auto& row = statements_.last_ending;
        Execution last(row);
        if (!last.next()) return 0;
        (void)ended_token_in(row);  // a page of noughts has rows, too: they are numbered 0, and have no hash
        return row.getColumn(0).getInt64();
    });
}

std::optional<std::vector<auth::TokenHash>> SqliteTokenReader::ended_since(auth::TokenEndings seen)
{
    auto known = true;  // whether each row is the next ending
    auto ended = connection_.attempt("reading the endings of tokens in", [&] {
        std::vector<auth::TokenHash> tokens;
        Execution rows(statements_.ended_since, seen);
        for (auto next = seen + 1; rows.next(); ++next) {
            known = known && statements_.ended_since.getColumn(0).getInt64() == next;
            tokens.push_back(ended_token_in(statements_.ended_since));
        }
        return tokens;
    });
    if (ended.empty()) known = endings() == seen;
    return known ? std::optional(std::move(ended)) : std::nullopt;
}

}  // namespace securelogin::store
