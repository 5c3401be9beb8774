#include "server/login/conversation.hpp"

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "server/auth/time_text.hpp"
#include "server/login/attempt_log.hpp"
#include "server/login/code_answer.hpp"
#include "server/login/commands.hpp"
#include "server/login/enrolment.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

constexpr int kAttempts = 3;  // a connection's

Reply logged_in(const auth::Granted& granted)
{
    Reply reply{.code = code::kLoggedIn,
                .text = "Login successful",
                .facts = {{"user", granted.account.name.str()},
                          {"session", granted.session.id},
                          {"expires", auth::to_rfc3339(granted.session.expires_at)}}};
    if (const auto& last = granted.account.last_login) {
        reply.facts.emplace_back("last-login", auth::to_rfc3339(last->at) + ' ' + last->source);
    }
    if (granted.failures_since > 0) {
        reply.facts.emplace_back("failures-since", std::to_string(granted.failures_since));
    }
    if (const auto& worn = granted.worn_key) {
        reply.facts.emplace_back("code-failures",
                                 std::to_string(worn->failures) + ' ' + std::to_string(worn->limit));
    }
    if (const auto left = granted.recovery_codes) {
        reply.facts.emplace_back("recovery-codes", std::to_string(*left));
    }
    if (granted.account.must_change) reply.facts.emplace_back("must-change-password", "yes");
    return reply;
}

/// Two more answers, then one verdict; the peer never learns which of the three was wrong.
asio::awaitable<Outcome> attempt_login(Peer& peer, const Setting& setting, Secret name)
{
    peer.say({.code = code::kPasswordWanted, .text = "Password:"});
    auto password = co_await peer.answer(Peer::Patience::answer);
    auto attempt = co_await setting.authenticator.admit(name.view(), peer.source(), peer.device());
    attempt.start_hashing(std::move(password));  // runs while the person reads the code
    peer.say({.code = code::kCodeWanted, .text = "Code:"});
    auto answer = co_await code_answer(peer);
    Outcome outcome;
    if (answer.code) {
        outcome = co_await attempt.decide(std::move(*answer.code));
    } else {
        outcome = co_await attempt.abandon(Attempt::Kind::login);
    }
    log_attempt(setting.log, "login", attempt.claim(), outcome, peer.connection());
    if (answer.left) std::rethrow_exception(answer.left);
    co_await attempt.hold(outcome);
    co_return outcome;
}

/// True when somebody was logged in, and is done.  A coroutine of its own: who has not even said a name holds
/// no memory for the rest.
asio::awaitable<bool> serve_attempt(Peer& peer, const Setting& setting, Secret name)
{
    const auto outcome = co_await attempt_login(peer, setting, std::move(name));
    if (!outcome.verdict || !outcome.verdict->granted) {
        peer.say(no(outcome));
        co_return false;
    }
    peer.logged_in();
    peer.say(logged_in(*outcome.verdict->granted));
    co_await serve_commands(peer, setting, *outcome.verdict->granted);
    co_return true;
}

}  // namespace

Reply no(const Outcome& outcome)
{
    if (outcome.verdict) return {.code = code::kRefused, .text = "Login failed"};
    return {.code = code::kTryLater,
            .text = "Not now, try again later",
            .facts = {{"retry-after", std::to_string(outcome.retry_after.count())}}};
}

void add_recovery_codes(Reply& reply, std::span<const Secret> codes)
{
    reply.facts.reserve(reply.facts.size() + codes.size());
    for (const auto& code : codes) reply.facts.emplace_back("recovery-code", code.view());
}

asio::awaitable<void> converse(Peer& peer, const Setting& setting)
{
    peer.say({.code = code::kGreeting, .text = std::string(setting.server_name) + " SecureLogin 1 ready"});
    for (int attempts = 0; attempts < kAttempts; ++attempts) {
        peer.say({.code = code::kUsernameWanted, .text = "Username:"});
        auto name = co_await peer.answer(Peer::Patience::answer);
        auto invitation = setting.enrolments != nullptr ? invitation_in(name.view()) : std::nullopt;
        if (invitation) {
            const bool enrolled = co_await enrol(peer, setting, std::move(*invitation));
            if (enrolled) --attempts;  // who has used up an invitation is here to log in
            continue;
        }
        const bool was_in = co_await serve_attempt(peer, setting, std::move(name));
        if (was_in) co_return;
    }
    peer.say({.code = code::kClosing, .text = "Too many attempts"});
}

}  // namespace securelogin::login
