#include "server/admin/session_commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/installation.hpp"
#include "server/admin/naming.hpp"
#include "server/admin/new_password.hpp"
#include "server/auth/session_check.hpp"
#include "server/auth/sessions.hpp"
#include "server/auth/time_text.hpp"
#include "server/token_answer.hpp"

namespace securelogin::admin {
namespace {

constexpr auto kListing = "listing sessions";
constexpr auto kRevoking = "revoking sessions";

std::string as_text(const auth::UserName& name, const auth::Session& session)
{
    return fmt::format("{} {} opened={} last-used={} expires={} source={}{}\n", name.str(), session.id,
                       auth::to_rfc3339(session.opened_at), auth::to_rfc3339(session.last_used_at),
                       auth::to_rfc3339(session.expires_at), session.source,
                       session.has_token ? " token" : "");
}

boost::json::object as_json(const auth::UserName& name, const auth::Session& session)
{
    return {{"username", name.str()},
            {"session", session.id},
            {"opened_at", auth::to_rfc3339(session.opened_at)},
            {"last_used_at", auth::to_rfc3339(session.last_used_at)},
            {"expires_at", auth::to_rfc3339(session.expires_at)},
            {"source", session.source},
            {"token", session.has_token}};
}

/// The user that the command names, if it names one.
std::optional<auth::UserId> wanted_user(auth::Reader& reader, const SessionList& command)
{
    if (!command.name) return std::nullopt;
    const auto name = require_name(kListing, *command.name);
    const auto account = reader.find_account(name);
    if (!account) no_such_user(kListing, name);
    return account->id;
}

[[noreturn]] void no_such_session(const auth::UserName& name, const std::string& typed)
{
    throw Failure(ExitCode::no_such_user,
                  fmt::format("{}: {} has no session {}: see securelogin-admin session "
                              "list {}",
                              kRevoking, name.str(), printable(typed), name.str()));
}

void confirm(const Options& options, const auth::UserName& name, std::size_t ended, Output& output)
{
    if (isatty(STDERR_FILENO) == 1) {
        std::cerr << name.str() << ": ended " << ended << (ended == 1 ? " session\n" : " sessions\n");
    }
    if (!options.json) return;
    output.write_json({{"username", name.str()}, {"revoked", ended}});
    output.write("\n");
}

/// A program's use of its token is a use of the session, here as on the daemon's socket.
void mark_as_used(const Installation& installation, const auth::Clock& clock, const auth::TokenHolder& holder)
{
    const auth::Sessions sessions(installation.settings.policy.sessions, clock);
    auth::transact(*installation.store, [&](auth::Transaction& transaction) {
        [[maybe_unused]] const bool live = sessions.still_live(transaction, holder.user, holder.session);
    });
}

}  // namespace

void run(const Options& options, const SessionList& command, Output& output)
{
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse);
    const auto reader = installation.store->open_reader();
    const auto of = wanted_user(*reader, command);
    const auto now = auth::SystemClock().now();
    std::string_view separator = "\n";
    if (options.json) output.write("[");
    reader->for_each_session(of, [&](const auth::UserName& name, const auth::Session& session) {
        if (!is_live(session, installation.settings.policy.sessions, now)) return;
        if (!options.json) return output.write(as_text(name, session));
        output.write(separator);
        output.write_json(as_json(name, session));
        separator = ",\n";
    });
    if (options.json) output.write("\n]\n");
}

void run(const Options& options, const SessionRevoke& command, Output& output)
{
    const auto name = require_name(kRevoking, command.name);
    const auto which = auth::fold_case(command.which);
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse);
    const auth::SystemClock clock;
    const auth::Sessions sessions(installation.settings.policy.sessions, clock);
    std::optional<std::size_t> ended;
    auth::transact(*installation.store, [&](auth::Transaction& transaction) {
        ended = sessions.revoke_of(transaction, name, which);
    });
    if (!ended) no_such_user(kRevoking, name);
    if (*ended == 0 && which != auth::kAllSessions) no_such_session(name, command.which);
    confirm(options, name, *ended, output);
}

void run(const Options& options, const SessionVerify&, Output& output)
{
    const auto token = read_line(STDIN_FILENO, "the token");
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse);
    const auto reader = installation.store->open_token_reader();
    const auth::SystemClock clock;
    const auto verdict =
        auth::SessionCheck(installation.settings.policy.sessions, clock, *reader).check(token.view());
    if (verdict.touch) mark_as_used(installation, clock, *verdict.holder);
    std::string answer;
    append_answer(answer, verdict);
    output.write(answer + '\n');
    output.flush();
    if (!verdict.holder)
        throw Failure(ExitCode::not_valid, "verifying a token: it is not valid: log in for a new one");
}

}  // namespace securelogin::admin
