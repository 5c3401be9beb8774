#include "server/admin/invitation_commands.hpp"

#include <unistd.h>

#include <boost/json/object.hpp>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/certificate.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/naming.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/invitation.hpp"
#include "server/auth/time_text.hpp"
#include "server/store/kept_keys.hpp"

namespace securelogin::admin {
namespace {

using IfMissing = DataDirectory::IfMissing;

constexpr std::string_view kDefaultPort = "9999";

/// The domain, as these commands use it.
struct Domain {
    explicit Domain(const Installation& opened)
        : installation(opened),
          names(store::read_kept_keys(installation.directory.database(), installation.keys).names)
    {
    }

    /// What the change answered, once it is on disk.
    template <typename Change>
    [[nodiscard]] bool commit(const Change& change) const
    {
        bool done = false;
        auth::transact(*installation.store,
                       [&](auth::Transaction& transaction) { done = change(transaction); });
        return done;
    }

    const Installation& installation;
    auth::NameKeyer names;
    auth::SystemClock clock = {};
    auth::SystemRandom random = {};
    auth::Invitations invitations{names, clock, random, "admin"};
};

/// `:PORT` of the first listener; empty where it is the one that the client takes by itself, or not known
/// yet.
std::string port_of(const Settings& settings)
{
    if (settings.listen.tls.empty()) return "";
    const auto& listener = settings.listen.tls.front();
    const auto port = listener.substr(listener.rfind(':') + 1);
    return port == kDefaultPort || port == "0" ? "" : ":" + port;
}

std::optional<std::string> fingerprint_in(const std::filesystem::path& certificate)
{
    try {
        return fingerprint(*read_certificate(certificate));
    } catch (const std::runtime_error&) {
        return std::nullopt;  // the client asks about a server that it does not know
    }
}

/// What the person is to type.  With the fingerprint, so that the first visit is to this server; without,
/// where the certificate is not there yet, or not ours to read.
std::string command_for(const Installation& installation)
{
    const auto& settings = installation.settings;
    const auto file = settings.tls.certificate.value_or(installation.directory.certificate());
    const auto pin = fingerprint_in(file);
    const bool is_ipv6 = settings.name.find(':') != std::string::npos;
    return "securelogin enrol " + (pin ? "--fingerprint " + *pin + ' ' : "") +
           (is_ipv6 ? '[' + settings.name + ']' : settings.name) + port_of(settings);
}

void show(const Options& options, const auth::Invitations::Prepared& prepared, const std::string& command,
          Output& output)
{
    const auto& invitation = prepared.invitation;
    const auto expires = auth::to_rfc3339(invitation.expires_at);
    if (options.json) {
        JsonMemory memory;
        boost::json::value result(boost::json::object_kind, memory.storage());
        auto& object = result.get_object();
        object["username"] = invitation.name.str();
        object["invitation"] = prepared.text.view();
        object["expires_at"] = expires;
        object["command"] = command;
        output.write_json(result);
        return output.write("\n");
    }
    output.write("invitation ");
    output.write(prepared.text.view());
    output.write("\nexpires " + expires + "\ncommand " + command + "\n");
}

/// The invitation is on disk by now: if it cannot be shown, say what to do about it.
void hand_over(const Options& options, const Installation& installation,
               const auth::Invitations::Prepared& prepared, Output& output)
{
    const auto& name = prepared.invitation.name.str();
    if (isatty(STDERR_FILENO) == 1) {
        std::cerr
            << name
            << " is invited: hand over the invitation and the command, on a way that nobody else reads\n";
    }
    try {
        show(options, prepared, command_for(installation), output);
        output.flush();
    } catch (const Failure& failure) {
        throw Failure(failure.exit_code(), failure.what() + (": " + name +
                                                             " is invited, but nobody has the invitation: "
                                                             "securelogin-admin user invite " +
                                                             name + " makes another"));
    }
}

}  // namespace

void run(const Options& options, const UserInvite& command, Output& output)
{
    const auto name = require_name("inviting a user", command.name);
    const auto installation = open_installation(options, IfMissing::make);
    const Domain domain(installation);
    const auto prepared = domain.invitations.prepare(name, command.lasts);
    const auto invite = [&](auth::Transaction& transaction) {
        return domain.invitations.invite(transaction, prepared.invitation);
    };
    if (!domain.commit(invite)) {
        throw Failure(
            ExitCode::cannot_create,
            "inviting the user " + name.str() + ": there is a user " + name.str() +
                " already: choose another name; for a lost phone, securelogin-admin user reset-totp " +
                name.str());
    }
    hand_over(options, installation, prepared, output);
}

void reset_by_invitation(const Options& options, const auth::UserName& name, std::chrono::seconds lasts,
                         Output& output)
{
    const auto installation = open_installation(options, IfMissing::refuse);
    const Domain domain(installation);
    const auto prepared = domain.invitations.prepare(name, lasts);
    const auto reinvite = [&](auth::Transaction& transaction) {
        return domain.invitations.reinvite(transaction, prepared.invitation);
    };
    if (!domain.commit(reinvite)) no_such_user("taking a key away", name);
    hand_over(options, installation, prepared, output);
}

void require_not_invited(const Installation& installation, const std::string& doing,
                         const auth::UserName& name)
{
    const auto invitation = installation.store->open_reader()->invitation_of(name);
    if (!invitation || invitation->expires_at <= auth::SystemClock().now()) return;
    throw Failure(ExitCode::cannot_create,
                  doing + ": " + name.str() + " is invited, until " +
                      auth::to_rfc3339(invitation->expires_at) +
                      ": to take the invitation back, securelogin-admin user remove " + name.str());
}

bool withdraw_invitation(const Installation& installation, const auth::UserName& name)
{
    const Domain domain(installation);
    return domain.commit(
        [&](auth::Transaction& transaction) { return domain.invitations.withdraw(transaction, name); });
}

}  // namespace securelogin::admin
