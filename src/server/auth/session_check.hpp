// session_check.hpp: whose token is this?  The one place that says so, whoever asks, and by whichever door.
//
// A yes needs a session that has this token and stands by both limits, of a user who is active and need not
// change the password first, as it has been committed by now: what has been revoked is refused at once.
#pragma once

#include <optional>
#include <string_view>

#include "server/auth/clock.hpp"
#include "server/auth/session.hpp"
#include "server/auth/token.hpp"
#include "server/auth/token_memory.hpp"
#include "server/auth/token_reader.hpp"

namespace securelogin::auth {

struct TokenVerdict {
    std::optional<TokenHolder> holder = {};  // the only yes
    /// No yes: who must change the password first, and may do nothing else.  Set where `holder` is not.
    std::optional<TokenHolder> confined = {};
    bool malformed = false;  // what was shown has not a token's form
    /// Whether this use is to be written down (Sessions::still_live); and whether half of the time has gone
    /// after which the session would end for want of use.
    bool touch = false;
    bool touch_soon = false;
};

/// One thread at a time.
class SessionCheck {
  public:
    /// All of them must outlive this.  Without `memory` each token is looked up.
    SessionCheck(const SessionPolicy& policy, const Clock& clock, TokenReader& reader,
                 TokenMemory* memory = nullptr)
        : policy_(policy), clock_(clock), reader_(reader), memory_(memory)
    {
    }

    /// What check() says from now on is true of this moment, or a later one.  So, where there is a memory:
    /// after the question has come, and before it is answered; once for questions that have come together.
    /// Throws StoreError, and then there is nothing to be said.
    void keep_up();

    /// What to check() by; nothing where it has not a token's form.  Among a million a token is remembered
    /// far from the processor: of many that have come together, expect all before the first is checked.
    /// Throws OpenSslError.
    [[nodiscard]] std::optional<TokenHash> expect(std::string_view token);
    /// Throws StoreError.
    [[nodiscard]] TokenVerdict check(const TokenHash& token);
    /// Both.
    [[nodiscard]] TokenVerdict check(std::string_view token);

    /// That `token` is used now will be written down, as its verdict asked for: that is not asked for again
    /// before it is due again.
    void use_noted(const TokenHash& token);

  private:
    [[nodiscard]] TokenVerdict judge(TokenHolder holder) const;

    const SessionPolicy policy_;
    const Clock& clock_;
    TokenReader& reader_;
    TokenMemory* const memory_;
    TokenHasher hash_;
};

}  // namespace securelogin::auth
