// What somebody who is logged in does with session, password, codes and key: authenticator.hpp.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/auth/authenticator.hpp"
#include "server/auth/totp.hpp"

namespace securelogin::auth {
namespace {

constexpr TimeStep kNoStepYet = 0;  // of a key that nobody has used

}  // namespace

void Authenticator::renew_hash(Transaction& transaction, const Account& account, std::int64_t epoch,
                               const Secret& phc) const
{
    if (!transaction.renew_password_hash(account, epoch, phc)) return;
    transaction.append_audit(
        {.at = clock_.now(), .event = "password.renew", .outcome = "done", .user = account.id});
}

bool Authenticator::still_live(Transaction& transaction, const Session& session) const
{
    return sessions().still_live(transaction, session.user, session.id);
}

std::optional<Secret> Authenticator::issue_token(Transaction& transaction, const Session& session) const
{
    auto token = new_token(random_);
    if (!sessions().give_token(transaction, session, TokenHasher()(token.view()))) return std::nullopt;
    return token;
}

void Authenticator::log_out(Transaction& transaction, const Session& session) const
{
    transaction.end_session(session.user, session.id);
    transaction.append_audit({.at = clock_.now(),
                              .event = "logout",
                              .outcome = "done",
                              .user = session.user,
                              .source = session.source});
}

bool Authenticator::change_password(Transaction& transaction, const UserName& name, const Session& session,
                                    const Secret& phc, const std::optional<DeviceFingerprint>& device) const
{
    const auto now = clock_.now();
    const auto account = holder_of(transaction, name, session);
    if (!account) return false;
    transaction.set_password(*account, phc, now);
    transaction.end_sessions(account->id, session.id);
    transaction.set_session_token(session, std::nullopt);  // whoever knew the password may have had one made
    transaction.forget_devices(account->id, device);
    transaction.append_audit({.at = now,
                              .event = "password.change",
                              .outcome = "done",
                              .user = account->id,
                              .source = session.source});
    return true;
}

std::optional<std::vector<Secret>> Authenticator::replace_recovery_codes(Transaction& transaction,
                                                                         const UserName& name,
                                                                         const Session& session) const
{
    const auto account = holder_of(transaction, name, session);
    if (!account) return std::nullopt;
    auto codes = generate_recovery_codes(random_);
    transaction.set_recovery_codes(*account, recovery_keyer_.hashes(account->id, codes));
    transaction.append_audit({.at = clock_.now(),
                              .event = "recovery-codes.replace",
                              .outcome = "done",
                              .user = account->id,
                              .source = session.source});
    return codes;
}

std::optional<NewKey> Authenticator::begin_key(Transaction& transaction, const UserName& name,
                                               const Session& session) const
{
    const auto account = holder_of(transaction, name, session);
    if (!account || account->must_change) return std::nullopt;
    const TotpParameters parameters;
    return NewKey{.parameters = parameters, .secret = generate_totp_secret(parameters.algorithm, random_)};
}

KeyReplacement Authenticator::finish_key(Transaction& transaction, const UserName& name,
                                         const Session& session, const NewKey& key, std::string_view code,
                                         const std::optional<DeviceFingerprint>& device) const
{
    const auto now = clock_.now();
    const auto account = holder_of(transaction, name, session);
    // Who has no key at all, any more, is to be enrolled by an invitation.
    if (!account || !account->totp || account->must_change) {
        return {.result = KeyReplacement::Result::session_ended};
    }
    const auto match = match_code(key.secret, key.parameters, code, now, policy_.totp_window, kNoStepYet);
    transaction.append_audit({.at = now,
                              .event = "totp.replace",
                              .outcome = match.step ? "done" : "refused",
                              .reason = std::string(match.step ? "" : to_string(Refusal::wrong_code)),
                              .user = account->id,
                              .source = session.source,
                              .device = device ? short_form(*device) : ""});
    if (!match.step) return {.result = KeyReplacement::Result::wrong_code};
    transaction.set_totp(*account, key.secret, key.parameters, now);
    if (!transaction.spend_step(account->id, *match.step)) {
        throw StoreError("replacing a key: its first code cannot be spent: nothing has been changed");
    }
    transaction.end_sessions(account->id, session.id);
    transaction.forget_devices(account->id, device);
    auto token = issue_token(transaction, session);  // whoever knew the old key may have had one made
    if (!token) throw StoreError("replacing a key: the session is gone: nothing has been changed");
    return {.result = KeyReplacement::Result::done, .token = std::move(token)};
}

std::optional<Account> Authenticator::holder_of(Transaction& transaction, const UserName& name,
                                                const Session& session) const
{
    auto account = transaction.find_account(name);
    const bool holder = account && account->id == session.user && account->state == AccountState::active;
    if (!holder || !still_live(transaction, session)) return std::nullopt;
    return account;
}

}  // namespace securelogin::auth
