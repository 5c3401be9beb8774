#include "server/login/session_commands.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "server/auth/sessions.hpp"
#include "server/auth/time_text.hpp"
#include "server/auth/user_name.hpp"
#include "server/login/attempt_log.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

/// docs/protocol.md, "Values", `session` in a list.
std::string describe(const auth::Session& session, bool own)
{
    auto text = session.id;
    text += " opened=" + auth::to_rfc3339(session.opened_at);
    text += " last-used=" + auth::to_rfc3339(session.last_used_at);
    text += " expires=" + auth::to_rfc3339(session.expires_at);
    text += " source=" + session.source;
    if (session.has_token) text += " token";
    if (own) text += " current";
    return text;
}

Reply list_of(std::span<const auth::Session> sessions, const auth::Session& own)
{
    Reply reply{.code = code::kDone, .text = "OK"};
    for (const auto& session : sessions.first(std::min(sessions.size(), auth::kMostSessionsListed))) {
        reply.facts.emplace_back("session", describe(session, session.id == own.id));
    }
    if (sessions.size() > auth::kMostSessionsListed) {
        reply.facts.emplace_back("more", std::to_string(sessions.size() - auth::kMostSessionsListed));
    }
    return reply;
}

Reply token_reply(const Secret& token, const auth::Session& session)
{
    Reply reply{.code = code::kDone, .text = "Show it to whom you trust: it is you, until then"};
    reply.facts.reserve(2);
    reply.facts.emplace_back("token", token.view());
    reply.facts.emplace_back("expires", auth::to_rfc3339(session.expires_at));
    return reply;
}

/// A token leaves a record for ever and costs no hash: not at the speed of the line.
std::chrono::seconds wait_for_token(const Holder& holder)
{
    constexpr int at_once = 8;
    constexpr std::chrono::seconds apart{10};
    if (holder.tokens < at_once) return {};
    const auto since = std::chrono::steady_clock::now() - holder.last_token;
    return since >= apart ? std::chrono::seconds(0) : std::chrono::ceil<std::chrono::seconds>(apart - since);
}

void log_ended(const Holder& holder, std::size_t ended)
{
    log_revoked(holder.setting.log, ended, holder.granted.account.name, holder.peer.source(),
                holder.peer.connection());
}

}  // namespace

asio::awaitable<After> sessions(Holder& holder)
{
    const auto standing = co_await holder.setting.authenticator.sessions(holder.session());
    if (!standing) co_return session_ended(holder.peer);
    holder.peer.say(list_of(*standing, holder.session()));
    co_return After::go_on;
}

asio::awaitable<After> revoke(Holder& holder)
{
    auto which = auth::fold_case(holder.argument);
    if (which == holder.session().id) {
        const auto after = co_await logout(holder);
        co_return after;
    }
    const bool all = which == auth::kAllSessions;
    const auto ended = co_await holder.setting.authenticator.revoke(holder.session(), std::move(which));
    if (!ended) co_return session_ended(holder.peer);
    if (*ended == 0 && !all) {
        holder.peer.say(
            {.code = code::kBadArguments, .text = "You have no such session; SESSIONS lists them"});
        co_return After::go_on;
    }
    if (*ended > 0) log_ended(holder, *ended);
    holder.peer.say({.code = code::kDone, .text = "OK", .facts = {{"revoked", std::to_string(*ended)}}});
    co_return After::go_on;
}

asio::awaitable<After> token(Holder& holder)
{
    if (const auto wait = wait_for_token(holder); wait.count() > 0) {
        holder.peer.say(no({.verdict = {}, .retry_after = wait}));
        co_return After::go_on;
    }
    const auto made = co_await holder.setting.authenticator.issue_token(holder.session());
    if (!made) co_return session_ended(holder.peer);
    ++holder.tokens;
    holder.last_token = std::chrono::steady_clock::now();
    auto reply = token_reply(*made, holder.session());
    holder.peer.say(reply);
    forget_values(reply);
    co_return After::go_on;
}

asio::awaitable<After> logout(Holder& holder)
{
    co_await holder.setting.authenticator.log_out(holder.session());
    holder.peer.say({.code = code::kBye, .text = "Logged out"});
    co_return After::close;
}

}  // namespace securelogin::login
