// token_reader.hpp: what is asked of a database about tokens, many thousands of times a second.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "server/auth/session.hpp"
#include "server/auth/token.hpp"

namespace securelogin::auth {

/// How many tokens have ended so far, each for good or with its user's activity: with its session, by another
/// one, or when the user was disabled.  Every transaction that ends one counts it, whichever program's it is.
using TokenEndings = std::int64_t;

struct FoundToken {
    TokenHolder holder;
    TokenEndings as_of;  // the endings that had been committed when this was so
};

/// Reads what has been committed by the time of the call, with nothing remembered in between.  One thread at
/// a time; each thread opens its own.  Throws StoreError.
class TokenReader {
  public:
    virtual ~TokenReader() = default;
    /// Whose session has this token, where the user is active; whether the session still stands is for the
    /// caller to judge.
    [[nodiscard]] virtual std::optional<FoundToken> find_token(const TokenHash& token) = 0;
    [[nodiscard]] virtual TokenEndings endings() = 0;
    /// The tokens that ended after the first `seen`; nothing where these are not known any more, or `seen` is
    /// more than there have been.
    [[nodiscard]] virtual std::optional<std::vector<TokenHash>> ended_since(TokenEndings seen) = 0;
};

}  // namespace securelogin::auth
