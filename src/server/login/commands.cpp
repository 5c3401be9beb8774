#include "server/login/commands.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "server/auth/time_text.hpp"
#include "server/login/attempt_log.hpp"
#include "server/login/code_answer.hpp"
#include "server/login/holder.hpp"
#include "server/login/session_commands.hpp"

namespace securelogin::login {
namespace asio = boost::asio;
namespace {

constexpr int kNewPasswordTries = 3;

using Command = asio::awaitable<After> (*)(Holder&);

Reply try_later() { return no({.verdict = {}, .retry_after = std::chrono::seconds(5)}); }

asio::awaitable<After> help(Holder& holder);

asio::awaitable<After> whoami(Holder& holder)
{
    holder.peer.say({.code = code::kDone,
                     .text = "OK",
                     .facts = {{"user", holder.granted.account.name.str()},
                               {"session", holder.session().id},
                               {"expires", auth::to_rfc3339(holder.session().expires_at)}}});
    co_return After::go_on;
}

/// Password and code once more; true only when both are right.  Says why not.
asio::awaitable<bool> confirm(Holder& holder)
{
    auto& peer = holder.peer;
    const auto& name = holder.granted.account.name.str();
    peer.say({.code = code::kPasswordWanted, .text = "Current password:"});
    auto password = co_await peer.answer(Peer::Patience::answer);
    auto attempt = co_await holder.setting.authenticator.admit(name, peer.source(), peer.device());
    attempt.start_hashing(std::move(password));
    peer.say({.code = code::kCodeWanted, .text = "Code, newer than the last one used:"});
    auto answer = co_await code_answer(peer);
    Outcome outcome;
    if (answer.code) {
        outcome = co_await attempt.confirm(std::move(*answer.code), holder.session());
    } else {
        outcome = co_await attempt.abandon(Attempt::Kind::confirmation);
    }
    log_attempt(holder.setting.log, "confirm", attempt.claim(), outcome, peer.connection());
    if (answer.left) std::rethrow_exception(answer.left);
    co_await attempt.hold(outcome);
    const bool granted = outcome.verdict && outcome.verdict->granted;
    if (!granted) peer.say(no(outcome));
    co_return granted;
}

/// Says what became of a new password; true when another may be tried.
bool say_result(Holder& holder, const PasswordChange& change)
{
    auto& peer = holder.peer;
    switch (change.result) {
        case PasswordChange::Result::done:
            holder.must_change = false;
            peer.say({.code = code::kDone, .text = "Password changed; other sessions have ended"});
            return false;
        case PasswordChange::Result::refused:
            peer.say({.code = code::kPasswordRefused, .text = "New password refused: " + change.reason});
            return true;
        case PasswordChange::Result::session_ended:
            return false;
        case PasswordChange::Result::try_later:
            peer.say(try_later());
            return false;
    }
    return false;
}

asio::awaitable<After> passwd(Holder& holder)
{
    // Who must change it has just given the old one and a code; there is nothing else to guard yet.
    bool confirmed = holder.must_change;
    if (!confirmed) confirmed = co_await confirm(holder);
    if (!confirmed) co_return After::go_on;
    for (int tries = 0; tries < kNewPasswordTries; ++tries) {
        holder.peer.say({.code = code::kNewPasswordWanted, .text = "New password:"});
        auto password = co_await holder.peer.answer(Peer::Patience::answer);
        if (password.empty()) {
            holder.peer.say({.code = code::kBadArguments, .text = "Cancelled, the password is as it was"});
            co_return After::go_on;
        }
        const auto& name = holder.granted.account.name;
        const auto& device = holder.peer.device();
        const auto change = co_await holder.setting.authenticator.change_password(
            name, holder.session(), device, std::move(password));
        const auto& peer = holder.peer;
        log_change(holder.setting.log, change, name, peer.source(), peer.connection());
        if (change.result == PasswordChange::Result::session_ended) co_return session_ended(holder.peer);
        if (!say_result(holder, change)) break;
    }
    co_return After::go_on;
}

asio::awaitable<After> codes(Holder& holder)
{
    const bool confirmed = co_await confirm(holder);
    if (!confirmed) co_return After::go_on;
    const auto& name = holder.granted.account.name;
    const auto made = co_await holder.setting.authenticator.replace_recovery_codes(name, holder.session());
    if (!made) co_return session_ended(holder.peer);
    log_recovery_codes(holder.setting.log, name, holder.peer.source(), holder.peer.connection());
    Reply reply{.code = code::kDone, .text = "Recovery codes replaced"};
    add_recovery_codes(reply, *made);
    holder.peer.say(reply);
    forget_values(reply);
    co_return After::go_on;
}

asio::awaitable<After> quit(Holder& holder)
{
    holder.peer.say({.code = code::kBye, .text = "Bye; the session lives on until it expires"});
    co_return After::close;
}

/// What there is, and for what of it the session must still be one.
struct Entry {
    std::string_view verb;
    std::string_view help;
    bool needs_live_session;
    Command run;
    bool before_change = false;      // also for who must change the password first
    std::string_view argument = {};  // that it wants, for people; empty: none
};

constexpr std::array<Entry, 9> kCommands{{
    {"HELP", "this list", false, help, true},
    {"WHOAMI", "who is logged in, and until when", true, whoami},
    {"PASSWD", "change the password; asks for the current one and a new code first", true, passwd, true},
    {"CODES", "make new recovery codes; asks for the password and a new code first", true, codes},
    {"SESSIONS", "your sessions that stand, this one first", false, sessions},
    {"REVOKE", "end one of them, or all others: REVOKE ID, REVOKE all", false, revoke, false, "ID or all"},
    {"TOKEN", "a token of this session, for use elsewhere; the one before ends", false, token},
    {"LOGOUT", "end the session and close", false, logout, true},
    {"QUIT", "close; the session lives on until it expires", false, quit, true},
}};

asio::awaitable<After> help(Holder& holder)
{
    Reply reply{.code = code::kHelp, .text = "End of list"};
    for (const auto& entry : kCommands) reply.facts.emplace_back(entry.verb, entry.help);
    holder.peer.say(reply);
    co_return After::go_on;
}

std::string upper_case(std::string_view text)
{
    std::string upper(text);
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return upper;
}

std::string wrong_arguments(const Entry& entry)
{
    const std::string verb(entry.verb);
    return entry.argument.empty() ? verb + " takes no arguments"
                                  : verb + " takes " + std::string(entry.argument);
}

/// The entry for a line, whose argument goes to `argument`; or nullptr when something was wrong and has been
/// said.
const Entry* parse(std::string_view line, Peer& peer, std::string& argument)
{
    const auto verb = upper_case(line.substr(0, line.find(' ')));
    const auto* const entry = std::ranges::find(kCommands, verb, &Entry::verb);
    if (entry == kCommands.end()) {
        peer.say({.code = code::kUnknownCommand, .text = "Unknown command; HELP lists them"});
        return nullptr;
    }
    argument = line.substr(std::min(line.size(), verb.size() + 1));
    const bool fits = entry->argument.empty() ? line.size() == verb.size()
                                              : !argument.empty() && argument.find(' ') == std::string::npos;
    if (!fits) {
        peer.say({.code = code::kBadArguments, .text = wrong_arguments(*entry)});
        return nullptr;
    }
    return entry;
}

asio::awaitable<After> obey(const Entry& entry, Holder& holder)
{
    if (entry.needs_live_session) {
        const bool live = co_await holder.setting.authenticator.still_live(holder.session());
        if (!live) co_return session_ended(holder.peer);
    }
    if (holder.must_change && !entry.before_change) {
        holder.peer.say({.code = code::kRefused, .text = "Password must be changed first"});
        co_return After::go_on;
    }
    const auto after = co_await entry.run(holder);
    co_return after;
}

/// A store that is out of order is told, and the connection stays: what was asked has not been done.
asio::awaitable<After> obey_or_say_why(const Entry& entry, Holder& holder)
{
    try {
        const auto after = co_await obey(entry, holder);
        co_return after;
    } catch (const auth::StoreError& error) {
        holder.setting.log.write(Level::error, "store", {{"error", error.what()}});
    }
    holder.peer.say(try_later());
    co_return After::go_on;
}

}  // namespace

After session_ended(Peer& peer)
{
    peer.say({.code = code::kClosing, .text = "Session ended"});
    return After::close;
}

asio::awaitable<void> serve_commands(Peer& peer, const Setting& setting, const auth::Granted& granted)
{
    Holder holder{.peer = peer, .setting = setting, .granted = granted};
    for (auto after = After::go_on; after == After::go_on;) {
        const auto line = co_await peer.answer(Peer::Patience::idle);
        const auto* const entry = parse(line.view(), peer, holder.argument);
        if (entry != nullptr) after = co_await obey_or_say_why(*entry, holder);
    }
}

}  // namespace securelogin::login
