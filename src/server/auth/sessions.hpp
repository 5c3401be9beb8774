// sessions.hpp: what may be done with sessions that are open.
//
// By their holder, who is logged in with one of them, and by the administrator.  Each writes its audit record
// in the same transaction: `session.revoke` (the reason is the session's id, or `all`), `session.token` (the
// id). What is refused changes nothing and writes nothing.  Immutable after construction; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/account.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/session.hpp"
#include "server/auth/store.hpp"
#include "server/auth/token.hpp"

namespace securelogin::auth {

inline constexpr std::string_view kAllSessions = "all";
/// To their holder, who is told how many more there are: clients of the line protocol stop at 100 facts.
inline constexpr std::size_t kMostSessionsListed = 64;

class Sessions {
  public:
    /// The clock must outlive this.
    Sessions(const SessionPolicy& policy, const Clock& clock) : policy_(policy), clock_(clock) {}

    /// Whether the session still stands; marks it as used.  One that does not stand is left as it is.
    [[nodiscard]] bool still_live(Transaction& transaction, UserId user, std::string_view id) const;

    // By the holder of `own`.  Nothing when that has ended meanwhile.

    /// Those that stand: `own` first, then the others, the one used last first.
    [[nodiscard]] std::optional<std::vector<Session>> list(Transaction& transaction,
                                                           const Session& own) const;
    /// `which` is an id, or kAllSessions: all but `own`.  How many that stood have ended.
    [[nodiscard]] std::optional<std::size_t> revoke(Transaction& transaction, const Session& own,
                                                    std::string_view which) const;
    /// From now on this is the session's one token.
    [[nodiscard]] bool give_token(Transaction& transaction, const Session& own, const TokenHash& token) const;

    /// By the administrator: an id, or kAllSessions for every one of them.  How many that stood have ended;
    /// nothing when there is no such user.
    [[nodiscard]] std::optional<std::size_t> revoke_of(Transaction& transaction, const UserName& name,
                                                       std::string_view which) const;

  private:
    [[nodiscard]] std::vector<Session> standing(Transaction& transaction, UserId user) const;
    [[nodiscard]] std::size_t end(Transaction& transaction, UserId user, std::string_view which,
                                  std::string_view except, const std::string& source) const;
    void record(Transaction& transaction, std::string event, UserId user, std::string_view reason,
                const std::string& source) const;

    const SessionPolicy policy_;
    const Clock& clock_;
};

}  // namespace securelogin::auth
