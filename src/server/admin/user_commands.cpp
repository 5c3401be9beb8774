#include "server/admin/user_commands.hpp"

#include <boost/json/object.hpp>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/admin/failure.hpp"
#include "server/admin/installation.hpp"
#include "server/admin/invitation_commands.hpp"
#include "server/admin/key_handover.hpp"
#include "server/admin/naming.hpp"
#include "server/admin/new_password.hpp"
#include "server/admin/output.hpp"
#include "server/auth/accounts.hpp"
#include "server/auth/recovery_codes.hpp"
#include "server/auth/totp.hpp"
#include "server/password_settings.hpp"
#include "server/store/kept_keys.hpp"

namespace securelogin::admin {
namespace {

using IfMissing = DataDirectory::IfMissing;

/// The domain, as these commands use it.
struct Domain {
    Domain(const Options& options, IfMissing if_missing)
        : installation(open_installation(options, if_missing))
    {
    }

    [[nodiscard]] std::optional<auth::Account> find(const auth::UserName& name) const
    {
        return installation.store->open_reader()->find_account(name);
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
    [[nodiscard]] NewPassword take_password(PasswordFrom from, const auth::UserName& name)
    {
        const auto& settings = installation.settings;
        return take_new_password(from, name, password_rules(settings), settings.policy.hash, random);
    }
    /// As the database keeps them.
    [[nodiscard]] std::vector<auth::RecoveryCodeHash> hashes_of(auth::UserId user,
                                                                const std::vector<Secret>& codes) const
    {
        if (codes.empty()) return {};
        const auto kept = store::read_kept_keys(installation.directory.database(), installation.keys);
        return auth::RecoveryCodeKeyer(kept.names).hashes(user, codes);
    }
    [[nodiscard]] Secret uri(const auth::UserName& name, const Secret& secret,
                             const auth::TotpParameters& totp) const
    {
        return auth::key_uri(installation.settings.issuer, name.str(), secret, totp);
    }

    Installation installation;
    auth::SystemClock clock = {};
    auth::SystemRandom random = {};
    auth::Accounts accounts{clock, random, "admin"};
};

[[noreturn]] void name_taken(const std::string& doing, const auth::UserName& name)
{
    throw Failure(ExitCode::cannot_create,
                  doing + ": there is a user " + name.str() +
                      " already: choose another name, or see securelogin-admin user show " + name.str());
}

/// What only this run of the program knows, told to whoever asked for it.
struct Handed {
    const auth::UserName& name;
    KeyHandover* key = nullptr;
    const Secret* password = nullptr;  // that was generated
    std::span<const Secret> recovery_codes = {};
};

const Secret* address_of(const std::optional<Secret>& secret) { return secret ? &*secret : nullptr; }

void hand_over_json(const Handed& handed, Output& output)
{
    JsonMemory memory;
    boost::json::value result(boost::json::object_kind, memory.storage());
    auto& object = result.get_object();
    object["username"] = handed.name.str();
    if (handed.key != nullptr) handed.key->hand_over(object);
    if (handed.password != nullptr) object["password"] = handed.password->view();
    if (!handed.recovery_codes.empty()) {
        auto& list = object["recovery_codes"].emplace_array();
        for (const auto& code : handed.recovery_codes) list.emplace_back(code.view());
    }
    output.write_json(result);
    output.write("\n");
}

void hand_over_text(const Handed& handed, Output& output)
{
    if (handed.password != nullptr) {
        output.write("password: ");
        output.write(handed.password->view());
        output.write("\n");
    }
    for (const auto& code : handed.recovery_codes) {
        output.write("recovery-code: ");
        output.write(code.view());
        output.write("\n");
    }
    if (handed.key != nullptr) handed.key->hand_over(output);
}

/// The change is on disk by now: if what it made cannot be shown, say what to do about it.
void hand_over(const Options& options, const Handed& handed, Output& output, const std::string& remedy)
{
    try {
        options.json ? hand_over_json(handed, output) : hand_over_text(handed, output);
        output.flush();
    } catch (const Failure& failure) {
        throw Failure(failure.exit_code(), failure.what() + (": " + remedy));
    }
}

void confirm_state(const Options& options, const auth::UserName& name, std::string_view state, Output& output)
{
    tell(name.str() + " is " + std::string(state));
    if (!options.json) return;
    output.write_json({{"username", name.str()}, {"state", state}});
    output.write("\n");
}

}  // namespace

void run(const Options& options, const UserAdd& command, Output& output)
{
    const auto name = require_name("adding a user", command.name);
    const auto doing = "adding the user " + name.str();
    KeyHandover key(command.qr);
    Domain domain(options, IfMissing::make);
    if (domain.find(name)) name_taken(doing, name);  // before a password is asked for
    require_not_invited(domain.installation, doing, name);

    auto password = domain.take_password(command.password, name);
    const auto account = domain.accounts.prepare(name, std::move(password.phc), command.totp);
    key.prepare(domain.uri(name, account.totp_secret, account.totp));
    std::vector<Secret> codes;
    if (command.recovery_codes) codes = auth::generate_recovery_codes(domain.random);
    const auto hashes = domain.hashes_of(account.id, codes);
    const auto add = [&](auth::Transaction& transaction) {
        if (!domain.accounts.add(transaction, account)) return false;
        if (command.must_change && !domain.accounts.require_new_password(transaction, name)) return false;
        return codes.empty() || domain.accounts.set_recovery_codes(transaction, name, hashes);
    };
    if (!domain.commit(add)) {
        require_not_invited(domain.installation, doing, name);
        name_taken(doing, name);
    }

    tell(name.str() + " can log in: scan the QR code, or enter the URI, with an authenticator app");
    hand_over(options, {name, &key, address_of(password.generated), codes}, output,
              name.str() + " is there, but nobody has the key: remove the user and add it again");
}

void run(const Options& options, const UserDisable& command, Output& output)
{
    const auto name = require_name("disabling a user", command.name);
    const Domain domain(options, IfMissing::refuse);
    const auto disable = [&](auth::Transaction& transaction) {
        return domain.accounts.disable(transaction, name);
    };
    if (!domain.commit(disable)) no_such_user("disabling a user", name);
    confirm_state(options, name, "disabled", output);
}

void run(const Options& options, const UserEnable& command, Output& output)
{
    const auto name = require_name("enabling a user", command.name);
    const Domain domain(options, IfMissing::refuse);
    const auto enable = [&](auth::Transaction& transaction) {
        return domain.accounts.enable(transaction, name);
    };
    if (!domain.commit(enable)) no_such_user("enabling a user", name);
    confirm_state(options, name, "active", output);
}

void run(const Options& options, const UserRemove& command, Output& output)
{
    const auto name = require_name("removing a user", command.name);
    const Domain domain(options, IfMissing::refuse);
    const auto remove = [&](auth::Transaction& transaction) {
        return domain.accounts.remove(transaction, name);
    };
    if (!domain.commit(remove) && !withdraw_invitation(domain.installation, name)) {
        no_such_user("removing a user", name);
    }
    confirm_state(options, name, "removed", output);
}

void run(const Options& options, const UserPasswd& command, Output& output)
{
    const auto name = require_name("setting a password", command.name);
    Domain domain(options, IfMissing::refuse);
    if (!domain.find(name)) no_such_user("setting a password", name);

    const auto password = domain.take_password(command.password, name);
    const auto set = [&](auth::Transaction& transaction) {
        if (!domain.accounts.set_password(transaction, name, password.phc)) return false;
        return !command.must_change || domain.accounts.require_new_password(transaction, name);
    };
    if (!domain.commit(set)) no_such_user("setting a password", name);

    tell(name.str() + " has a new password");
    if (!options.json && !password.generated) return;
    hand_over(options, {.name = name, .password = address_of(password.generated)}, output,
              name.str() + " has a new password that nobody has seen: set it again");
}

void run(const Options& options, const UserResetTotp& command, Output& output)
{
    const auto name = require_name("making a new key", command.name);
    if (!command.qr.file) return reset_by_invitation(options, name, command.lasts, output);
    KeyHandover key(command.qr);
    Domain domain(options, IfMissing::refuse);
    const auto account = domain.find(name);
    if (!account) no_such_user("making a new key", name);

    const auto totp = account->totp ? account->totp->parameters : auth::TotpParameters{};
    const auto secret = auth::generate_totp_secret(totp.algorithm, domain.random);
    key.prepare(domain.uri(name, secret, totp));
    const auto reset = [&](auth::Transaction& transaction) {
        return domain.accounts.reset_totp(transaction, name, secret, totp);
    };
    if (!domain.commit(reset)) no_such_user("making a new key", name);

    tell(name.str() + " has a new key: scan the QR code, or enter the URI, with an authenticator app");
    hand_over(options, {.name = name, .key = &key}, output,
              name.str() + " has a new key that nobody has seen: reset it again");
}

}  // namespace securelogin::admin
