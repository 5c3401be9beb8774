// session_check.hpp: whose token is this?  The one place that says so, whoever asks, and by whichever door.
//
// A yes needs a session that has this token and stands by both limits, of a user who is active, as it has
// been committed by now: nothing is remembered from one check to the next, so that what has been revoked is
// refused at once.
#pragma once

#include <optional>
#include <string_view>

#include "server/auth/clock.hpp"
#include "server/auth/session.hpp"
#include "server/auth/store.hpp"
#include "server/auth/token.hpp"

namespace securelogin::auth {

struct TokenVerdict {
    std::optional<TokenHolder> holder = {};  // the only yes
    bool malformed = false;                  // what was shown has not a token's form
    /// Whether this use is to be written down (Sessions::still_live), within the time that is left before the
    /// session would end for want of use; and whether half of that has gone.
    bool touch = false;
    bool touch_soon = false;
};

/// One thread at a time.
class SessionCheck {
  public:
    /// Clock and reader must outlive this.
    SessionCheck(const SessionPolicy& policy, const Clock& clock, TokenReader& reader)
        : policy_(policy), clock_(clock), reader_(reader)
    {
    }

    /// Cheap: a hash and one look-up.  Throws StoreError.
    [[nodiscard]] TokenVerdict check(std::string_view token);

  private:
    const SessionPolicy policy_;
    const Clock& clock_;
    TokenReader& reader_;
    TokenHasher hash_;
};

}  // namespace securelogin::auth
