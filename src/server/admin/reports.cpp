#include "server/admin/reports.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/admin/installation.hpp"
#include "server/admin/naming.hpp"
#include "server/auth/account.hpp"
#include "server/auth/device.hpp"
#include "server/auth/time_text.hpp"
#include "server/auth/totp.hpp"

namespace securelogin::admin {
namespace {

constexpr std::string_view kNever = "never";

constexpr std::string_view kInvited = "invited";

/// Who has no second factor lets nobody in, as who is disabled.
std::string_view state_of(const auth::Account& account) noexcept
{
    if (account.state != auth::AccountState::active) return "disabled";
    return account.totp ? "active" : "unenrolled";
}

boost::json::value last_login_json(const auth::Account& account)
{
    if (!account.last_login) return nullptr;
    return {{"at", auth::to_rfc3339(account.last_login->at)}, {"source", account.last_login->source}};
}

boost::json::object account_json(const auth::Account& account)
{
    return {{"username", account.name.str()},
            {"state", state_of(account)},
            {"created_at", auth::to_rfc3339(account.created_at)},
            {"last_login", last_login_json(account)}};
}

/// Somebody who is invited, and no user yet.
boost::json::object invited_json(const auth::Invitation& invitation)
{
    return {{"username", invitation.name.str()},
            {"state", kInvited},
            {"created_at", auth::to_rfc3339(invitation.created_at)},
            {"last_login", nullptr}};
}

boost::json::value invitation_json(const std::optional<auth::Invitation>& invitation)
{
    if (!invitation) return nullptr;
    return {{"created_at", auth::to_rfc3339(invitation->created_at)},
            {"expires_at", auth::to_rfc3339(invitation->expires_at)}};
}

std::string invitation_text(const std::optional<auth::Invitation>& invitation)
{
    if (!invitation) return "";
    return fmt::format("invited {}\ninvitation-expires {}\n", auth::to_rfc3339(invitation->created_at),
                       auth::to_rfc3339(invitation->expires_at));
}

/// One that still stands.
std::optional<auth::Invitation> invitation_of(auth::Reader& reader, const auth::UserName& name)
{
    const auto invitation = reader.invitation_of(name);
    const bool stands = invitation && invitation->expires_at > auth::SystemClock().now();
    return stands ? invitation : std::nullopt;
}

/// Calls `visit` for each that still stands, of those who are no users yet.
void for_each_invited(auth::Reader& reader, const std::function<void(const auth::Invitation&)>& visit)
{
    const auto now = auth::SystemClock().now();
    reader.for_each_invitation([&](const auth::Invitation& invitation) {
        if (invitation.expires_at > now && !reader.find_account(invitation.name)) visit(invitation);
    });
}

std::string last_login_text(const auth::Account& account)
{
    if (!account.last_login) return std::string(kNever);
    return auth::to_rfc3339(account.last_login->at) + " " + account.last_login->source;
}

/// What `user show` tells beyond `user list`.
struct Details {
    const auth::Account& account;
    std::size_t sessions;
    int recovery_codes;  // left
    std::vector<auth::Device> devices;
    int totp_window;
    std::optional<auth::Invitation> invitation = {};

    [[nodiscard]] int failure_limit() const
    {
        return auth::lifetime_limit(account.totp->parameters.digits, totp_window);
    }
};

boost::json::value totp_json(const Details& details)
{
    const auto& totp = details.account.totp;
    if (!totp) return nullptr;
    return {{"algorithm", auth::to_string(totp->parameters.algorithm)},
            {"digits", totp->parameters.digits},
            {"period", totp->parameters.period.count()},
            {"enrolled_at", auth::to_rfc3339(totp->enrolled_at)},
            {"failures", totp->failures},
            {"failure_limit", details.failure_limit()}};
}

boost::json::array devices_json(const std::vector<auth::Device>& devices)
{
    boost::json::array list;
    for (const auto& device : devices) {
        list.push_back({{"fingerprint", auth::to_string(device.fingerprint)},
                        {"first_seen", auth::to_rfc3339(device.first_seen)},
                        {"last_seen", auth::to_rfc3339(device.last_seen)},
                        {"source", device.source}});
    }
    return list;
}

boost::json::value details_json(const Details& details)
{
    auto object = account_json(details.account);
    object["password_set_at"] = auth::to_rfc3339(details.account.password_set_at);
    object["must_change_password"] = details.account.must_change;
    object["totp"] = totp_json(details);
    object["invitation"] = invitation_json(details.invitation);
    object["recovery_codes"] = {{"left", details.recovery_codes},
                                {"made", details.account.recovery_codes_made}};
    object["sessions"] = details.sessions;
    object["devices"] = devices_json(details.devices);
    return object;
}

std::string totp_text(const Details& details)
{
    const auto& totp = details.account.totp;
    if (!totp) return "totp none\n";
    return fmt::format(
        "totp {} {} digits {} s\n"
        "enrolled {}\n"
        "code-failures {} of {}\n",
        auth::to_string(totp->parameters.algorithm), totp->parameters.digits, totp->parameters.period.count(),
        auth::to_rfc3339(totp->enrolled_at), totp->failures, details.failure_limit());
}

std::string recovery_codes_text(const Details& details)
{
    if (details.account.recovery_codes_made == 0) return "none";
    return fmt::format("{} of {}", details.recovery_codes, details.account.recovery_codes_made);
}

std::string devices_text(const std::vector<auth::Device>& devices)
{
    auto text = fmt::format("devices {}\n", devices.size());
    for (const auto& device : devices) {
        text += fmt::format("device {} first-seen {} last-seen {} {}\n", auth::short_form(device.fingerprint),
                            auth::to_rfc3339(device.first_seen), auth::to_rfc3339(device.last_seen),
                            device.source);
    }
    return text;
}

std::string details_text(const Details& details)
{
    const auto& account = details.account;
    return fmt::format(
        "user {}\n"
        "state {}\n"
        "created {}\n"
        "password-set {}\n"
        "{}"
        "{}"
        "{}"
        "recovery-codes {}\n"
        "last-login {}\n"
        "sessions {}\n"
        "{}",
        account.name.str(), state_of(account), auth::to_rfc3339(account.created_at),
        auth::to_rfc3339(account.password_set_at), account.must_change ? "must-change-password yes\n" : "",
        totp_text(details), invitation_text(details.invitation), recovery_codes_text(details),
        last_login_text(account), details.sessions, devices_text(details.devices));
}

void list_json(auth::Reader& reader, Output& output)
{
    std::string_view separator = "\n";
    output.write("[");
    reader.for_each_account([&](const auth::Account& account) {
        output.write(separator);
        output.write_json(account_json(account));
        separator = ",\n";
    });
    for_each_invited(reader, [&](const auth::Invitation& invitation) {
        output.write(separator);
        output.write_json(invited_json(invitation));
        separator = ",\n";
    });
    output.write("\n]\n");
}

void list_text(auth::Reader& reader, Output& output)
{
    constexpr std::string_view line = "{:<24} {:<10} {:<20} {}\n";
    output.write(fmt::format(line, "USER", "STATE", "CREATED", "LAST LOGIN"));
    reader.for_each_account([&](const auth::Account& account) {
        output.write(fmt::format(line, account.name.str(), state_of(account),
                                 auth::to_rfc3339(account.created_at), last_login_text(account)));
    });
    for_each_invited(reader, [&](const auth::Invitation& invitation) {
        output.write(fmt::format(line, invitation.name.str(), kInvited,
                                 auth::to_rfc3339(invitation.created_at), kNever));
    });
}

void show_invited(const Options& options, const auth::Invitation& invitation, Output& output)
{
    if (!options.json) {
        return output.write(fmt::format("user {}\nstate {}\n{}", invitation.name.str(), kInvited,
                                        invitation_text(invitation)));
    }
    auto object = invited_json(invitation);
    object["invitation"] = invitation_json(invitation);
    output.write_json(object);
    output.write("\n");
}

}  // namespace

void run(const Options& options, const UserList&, Output& output)
{
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse, Purpose::look);
    const auto reader = installation.store->open_reader();
    options.json ? list_json(*reader, output) : list_text(*reader, output);
}

void run(const Options& options, const UserShow& command, Output& output)
{
    const auto name = require_name("showing a user", command.name);
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse, Purpose::look);
    const auto reader = installation.store->open_reader();
    const auto account = reader->find_account(name);
    const auto invitation = invitation_of(*reader, name);
    if (!account && invitation) return show_invited(options, *invitation, output);
    if (!account) no_such_user("showing a user", name);

    const auto& policy = installation.settings.policy;
    const Details details{*account,
                          reader->count_sessions(account->id, policy.sessions, auth::SystemClock().now()),
                          reader->count_recovery_codes(account->id),
                          reader->devices(account->id),
                          policy.totp_window,
                          invitation};
    if (!options.json) return output.write(details_text(details));
    output.write_json(details_json(details));
    output.write("\n");
}

}  // namespace securelogin::admin
