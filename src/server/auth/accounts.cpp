#include "server/auth/accounts.hpp"

#include <optional>
#include <string_view>
#include <utility>

namespace securelogin::auth {
namespace {

constexpr std::string_view kNoSession = {};  // none is spared
constexpr std::optional<DeviceFingerprint> kNoDevice = std::nullopt;

}  // namespace

Accounts::Accounts(const Clock& clock, Random& random, std::string actor)
    : clock_(clock), random_(random), actor_(std::move(actor))
{
}

NewAccount Accounts::prepare(UserName name, Secret phc, const TotpParameters& totp) const
{
    return {UserId{random_id(random_)},
            std::move(name),
            std::move(phc),
            generate_totp_secret(totp.algorithm, random_),
            totp,
            clock_.now()};
}

bool Accounts::add(Transaction& transaction, const NewAccount& account) const
{
    const auto invitation = transaction.invitation_of(account.name);
    if (invitation && invitation->expires_at > clock_.now()) return false;
    if (!transaction.add_account(account)) return false;
    transaction.remove_invitation(account.name);  // expired, if there
    record(transaction, "user.add", account.id);
    return true;
}

bool Accounts::disable(Transaction& transaction, const UserName& name) const
{
    const auto account = transaction.find_account(name);
    if (!account) return false;
    transaction.set_state(*account, AccountState::disabled);
    transaction.end_sessions(account->id, kNoSession);
    record(transaction, "user.disable", account->id);
    return true;
}

bool Accounts::enable(Transaction& transaction, const UserName& name) const
{
    const auto account = transaction.find_account(name);
    if (!account) return false;
    transaction.set_state(*account, AccountState::active);
    record(transaction, "user.enable", account->id);
    return true;
}

bool Accounts::remove(Transaction& transaction, const UserName& name) const
{
    const auto account = transaction.find_account(name);
    if (!account) return false;
    // An id that leads nowhere any more would not say who it was.
    record(transaction, "user.remove", account->id, name.str());
    transaction.remove_account(*account);
    transaction.remove_invitation(name);
    return true;
}

bool Accounts::set_password(Transaction& transaction, const UserName& name, const Secret& phc) const
{
    const auto account = transaction.find_account(name);
    if (!account) return false;
    transaction.set_password(*account, phc, clock_.now());
    transaction.end_sessions(account->id, kNoSession);
    transaction.forget_devices(account->id, kNoDevice);
    record(transaction, "user.passwd", account->id);
    return true;
}

bool Accounts::require_new_password(Transaction& transaction, const UserName& name) const
{
    const auto account = transaction.find_account(name);
    if (!account) return false;
    transaction.require_new_password(*account);
    transaction.end_sessions(account->id, kNoSession);  // they were opened for more than that
    record(transaction, "user.must-change", account->id);
    return true;
}

bool Accounts::set_recovery_codes(Transaction& transaction, const UserName& name,
                                  std::span<const RecoveryCodeHash> hashes) const
{
    const auto account = transaction.find_account(name);
    if (!account) return false;
    transaction.set_recovery_codes(*account, hashes);
    record(transaction, "user.recovery-codes", account->id);
    return true;
}

bool Accounts::reset_totp(Transaction& transaction, const UserName& name, const Secret& secret,
                          const TotpParameters& parameters) const
{
    const auto account = transaction.find_account(name);
    if (!account) return false;
    transaction.set_totp(*account, secret, parameters, clock_.now());
    transaction.remove_invitation(name);
    transaction.set_recovery_codes(*account, {});
    transaction.end_sessions(account->id, kNoSession);
    transaction.forget_devices(account->id, kNoDevice);
    record(transaction, "user.reset-totp", account->id);
    return true;
}

bool Accounts::forget_device(Transaction& transaction, const UserName& name,
                             const DeviceFingerprint& device) const
{
    const auto account = transaction.find_account(name);
    if (!account || !transaction.forget_device(account->id, device)) return false;
    record(transaction, "user.forget-device", account->id, short_form(device));
    return true;
}

bool Accounts::forget_devices(Transaction& transaction, const UserName& name) const
{
    const auto account = transaction.find_account(name);
    if (!account) return false;
    transaction.forget_devices(account->id, kNoDevice);
    record(transaction, "user.forget-device", account->id, "all");
    return true;
}

void Accounts::record(Transaction& transaction, std::string event, UserId user, std::string reason) const
{
    transaction.append_audit({.at = clock_.now(),
                              .event = std::move(event),
                              .outcome = "done",
                              .reason = std::move(reason),
                              .user = user,
                              .source = actor_});
}

}  // namespace securelogin::auth
