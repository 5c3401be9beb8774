// Accounts with their keys, invitations and recovery codes: sqlite_transaction.hpp.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "server/auth/totp.hpp"
#include "server/store/execution.hpp"
#include "server/store/rows.hpp"
#include "server/store/sqlite_transaction.hpp"

namespace securelogin::store {
namespace {

using auth::Account;
using auth::Time;
using auth::UserId;

}  // namespace

std::optional<Account> SqliteTransaction::find_account(const auth::UserName& name)
{
    return attempt("finding an account in", [&] {
        Execution found(statements_.find_account, name.str());
        return found.next() ? std::optional(account_in(statements_.find_account)) : std::nullopt;
    });
}

bool SqliteTransaction::add_account(const auth::NewAccount& account)
{
    constexpr std::string_view doing = "adding an account to";
    const auto& [id, name, phc, totp_secret, totp, created_at] = account;
    const auto hash = attempt(doing, [&] { return seal(phc, password_hash_of(id, name)); });
    if (change(doing, statements_.add_user, name.str(), id, hash, created_at, created_at) == 0) return false;
    const auto secret = attempt(doing, [&] { return seal(totp_secret, totp_secret_of(id, name)); });
    change_one(doing, statements_.set_totp, id, secret, to_string(totp.algorithm), totp.digits,
               std::int64_t{totp.period.count()}, created_at);
    return true;
}

void SqliteTransaction::set_state(const Account& account, auth::AccountState state)
{
    change_one("changing an account in", statements_.set_state, to_text(state), account.name.str(),
               account.id);
}

void SqliteTransaction::remove_account(const Account& account)
{
    change_one("removing an account from", statements_.remove_user, account.name.str(), account.id);
}

void SqliteTransaction::set_password(const Account& account, const Secret& phc, Time now)
{
    constexpr std::string_view doing = "setting a password in";
    const auto hash = attempt(doing, [&] { return seal(phc, password_hash_of(account.id, account.name)); });
    change_one(doing, statements_.set_password, hash, now, account.name.str(), account.id);
}

bool SqliteTransaction::renew_password_hash(const Account& account, std::int64_t epoch, const Secret& phc)
{
    constexpr std::string_view doing = "renewing a password's hash in";
    const auto hash = attempt(doing, [&] { return seal(phc, password_hash_of(account.id, account.name)); });
    return change(doing, statements_.renew_password_hash, hash, account.name.str(), account.id, epoch) == 1;
}

void SqliteTransaction::require_new_password(const Account& account)
{
    change_one("asking for a new password in", statements_.require_new_password, account.name.str(),
               account.id);
}

void SqliteTransaction::record_login(const Account& account, const auth::LastLogin& login)
{
    change_one("recording a login in", statements_.record_login, login.at, login.source, account.name.str(),
               account.id);
}

Secret SqliteTransaction::totp_secret(const Account& account)
{
    constexpr std::string_view doing = "reading a TOTP secret from";
    return attempt(doing, [&] {
        Execution found(statements_.find_totp_secret, account.id);
        if (!found.next()) {
            throw store_error(doing, connection_.file(), "the account has none", "reset the user's TOTP");
        }
        const auto& row = statements_.find_totp_secret;
        return keys_.open(octets_in(row.getColumn(0)), totp_secret_of(account.id, account.name),
                          key_id_in(row.getColumn(1)));
    });
}

void SqliteTransaction::set_totp(const Account& account, const Secret& secret,
                                 const auth::TotpParameters& parameters, Time now)
{
    constexpr std::string_view doing = "setting a TOTP secret in";
    const auto sealed =
        attempt(doing, [&] { return seal(secret, totp_secret_of(account.id, account.name)); });
    change_one(doing, statements_.set_totp, account.id, sealed, to_string(parameters.algorithm),
               parameters.digits, std::int64_t{parameters.period.count()}, now);
}

void SqliteTransaction::remove_totp(const Account& account)
{
    change("removing a TOTP secret from", statements_.remove_totp, account.id);
}

bool SqliteTransaction::spend_step(UserId user, auth::TimeStep step)
{
    return change("spending a time step in", statements_.spend_step, step, user) == 1;
}

void SqliteTransaction::count_code_failure(UserId user)
{
    change_one("counting a wrong code in", statements_.count_code_failure, user);
}

void SqliteTransaction::save_invitation(const auth::Invitation& invitation)
{
    change("saving an invitation to", statements_.save_invitation, invitation.name.str(), invitation.hash,
           invitation.created_at, invitation.expires_at, invitation.mac);
}

std::optional<auth::Invitation> SqliteTransaction::find_invitation(const auth::InvitationHash& hash)
{
    return attempt("finding an invitation in", [&] {
        Execution found(statements_.find_invitation, hash);
        return found.next() ? std::optional(invitation_in(statements_.find_invitation)) : std::nullopt;
    });
}

std::optional<auth::Invitation> SqliteTransaction::invitation_of(const auth::UserName& name)
{
    return attempt("finding an invitation in", [&] {
        Execution found(statements_.invitation_of, name.str());
        return found.next() ? std::optional(invitation_in(statements_.invitation_of)) : std::nullopt;
    });
}

bool SqliteTransaction::spend_invitation(const auth::Invitation& invitation, Time now)
{
    return change("spending an invitation in", statements_.spend_invitation, invitation.name.str(),
                  invitation.hash, now) == 1;
}

bool SqliteTransaction::remove_invitation(const auth::UserName& name)
{
    return change("removing an invitation from", statements_.remove_invitation, name.str()) == 1;
}

void SqliteTransaction::set_recovery_codes(const Account& account,
                                           std::span<const auth::RecoveryCodeHash> hashes)
{
    constexpr std::string_view doing = "setting recovery codes in";
    change_one(doing, statements_.note_recovery_codes, static_cast<std::int64_t>(hashes.size()),
               account.name.str(), account.id);
    change(doing, statements_.forget_recovery_codes, account.id);
    for (const auto& hash : hashes) change_one(doing, statements_.add_recovery_code, account.id, hash);
}

bool SqliteTransaction::spend_recovery_code(UserId user, const auth::RecoveryCodeHash& hash)
{
    return change("spending a recovery code in", statements_.spend_recovery_code, user, hash) == 1;
}

int SqliteTransaction::count_recovery_codes(UserId user)
{
    return attempt("counting recovery codes in", [&] {
        Execution counted(statements_.count_recovery_codes, user);
        return counted.next() ? statements_.count_recovery_codes.getColumn(0).getInt() : 0;
    });
}

}  // namespace securelogin::store
