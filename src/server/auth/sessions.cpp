#include "server/auth/sessions.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace securelogin::auth {

bool Sessions::still_live(Transaction& transaction, UserId user, std::string_view id) const
{
    const auto now = clock_.now();
    const auto found = transaction.find_session(user, id);
    if (!found || !is_live(*found, policy_, now)) return false;
    if (now - found->last_used_at >= touch_interval(policy_)) transaction.touch_session(*found, now);
    return true;
}

std::optional<std::vector<Session>> Sessions::list(Transaction& transaction, const Session& own) const
{
    if (!still_live(transaction, own.user, own.id)) return std::nullopt;
    auto sessions = standing(transaction, own.user);
    std::ranges::sort(sessions, [&](const Session& a, const Session& b) {
        const auto rank = [&](const Session& session) { return session.id != own.id; };
        return std::tuple(rank(a), b.last_used_at, b.opened_at, a.id) <
               std::tuple(rank(b), a.last_used_at, a.opened_at, b.id);
    });
    return sessions;
}

std::optional<std::size_t> Sessions::revoke(Transaction& transaction, const Session& own,
                                            std::string_view which) const
{
    if (!still_live(transaction, own.user, own.id)) return std::nullopt;
    return end(transaction, own.user, which, own.id, own.source);
}

bool Sessions::give_token(Transaction& transaction, const Session& own, const TokenHash& token) const
{
    if (!still_live(transaction, own.user, own.id)) return false;
    transaction.set_session_token(own, token);
    record(transaction, "session.token", own.user, own.id, own.source);
    return true;
}

std::optional<std::size_t> Sessions::revoke_of(Transaction& transaction, const UserName& name,
                                               std::string_view which) const
{
    const auto account = transaction.find_account(name);
    if (!account) return std::nullopt;
    return end(transaction, account->id, which, {}, "admin");
}

std::vector<Session> Sessions::standing(Transaction& transaction, UserId user) const
{
    auto sessions = transaction.sessions(user);
    const auto now = clock_.now();
    std::erase_if(sessions, [&](const Session& session) { return !is_live(session, policy_, now); });
    return sessions;
}

/// `except` is spared by kAllSessions only: whoever names a session means it.
std::size_t Sessions::end(Transaction& transaction, UserId user, std::string_view which,
                          std::string_view except, const std::string& source) const
{
    const bool all = which == kAllSessions;
    const auto sessions = standing(transaction, user);
    const auto ended = static_cast<std::size_t>(std::ranges::count_if(
        sessions, [&](const Session& session) { return all ? session.id != except : session.id == which; }));
    if (ended == 0) return 0;
    if (all) {
        transaction.end_sessions(user, except);
    } else {
        transaction.end_session(user, which);
    }
    record(transaction, "session.revoke", user, which, source);
    return ended;
}

void Sessions::record(Transaction& transaction, std::string event, UserId user, std::string_view reason,
                      const std::string& source) const
{
    transaction.append_audit({.at = clock_.now(),
                              .event = std::move(event),
                              .outcome = "done",
                              .reason = std::string(reason),
                              .user = user,
                              .source = source});
}

}  // namespace securelogin::auth
