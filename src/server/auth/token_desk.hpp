// token_desk.hpp: answers whose token it is, and has its uses written down, for one thread that is asked many
// thousands of times a second.
//
// Use of a token is a use of its session.  Uses are gathered and written together, not synced: a use that a
// power cut makes us forget ends a session too soon, never too late.  One thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "server/auth/clock.hpp"
#include "server/auth/session.hpp"
#include "server/auth/session_check.hpp"
#include "server/auth/store.hpp"
#include "server/auth/token_memory.hpp"
#include "server/auth/token_reader.hpp"

namespace securelogin::auth {

class TokenDesk {
  public:
    /// All must outlive this; `memory`, which desks may share, may be null.  Throws StoreError.
    TokenDesk(Store& store, TokenMemory* memory, const Clock& clock, const SessionPolicy& policy);

    void set_policy(const SessionPolicy& policy);
    /// SessionCheck::keep_up().  Throws StoreError.
    void keep_up() { check_->keep_up(); }
    /// SessionCheck::expect().  Throws OpenSslError.
    [[nodiscard]] std::optional<TokenHash> expect(std::string_view token) { return check_->expect(token); }
    /// SessionCheck::check(); notes the use.  Throws StoreError.
    [[nodiscard]] TokenVerdict check(const TokenHash& token);
    /// Once a second or so.
    void write_uses();

  private:
    using Use = std::pair<UserId, std::string>;  // of a session

    [[nodiscard]] bool note_use(const TokenHolder& holder, bool urgent);

    Store& store_;
    TokenMemory* const memory_;
    const Clock& clock_;
    SessionPolicy policy_;
    const std::unique_ptr<TokenReader> reader_;
    std::optional<SessionCheck> check_;
    std::set<Use> uses_;
};

}  // namespace securelogin::auth
