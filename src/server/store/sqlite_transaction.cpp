#include "server/store/sqlite_transaction.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "server/auth/totp.hpp"
#include "server/store/execution.hpp"
#include "server/store/rows.hpp"

namespace securelogin::store {
namespace {

using auth::Account;
using auth::NameKey;
using auth::Source;
using auth::Time;
using auth::UserId;

}  // namespace

template <typename Function>
auto SqliteTransaction::attempt(std::string_view doing, Function function)
{
    // Where SQLite has rolled everything back on its own, a statement would commit by itself.
    if (!connection_.in_transaction()) {
        failed_ = true;
        throw store_error(doing, connection_.file(), "the transaction has been rolled back", "try again");
    }
    try {
        return connection_.attempt(doing, function);
    } catch (...) {
        failed_ = true;
        throw;
    }
}

template <typename... Arguments>
int SqliteTransaction::change(std::string_view doing, SQLite::Statement& statement,
                              const Arguments&... arguments)
{
    return attempt(doing, [&] { return Execution(statement, arguments...).run(); });
}

template <typename... Arguments>
void SqliteTransaction::change_one(std::string_view doing, SQLite::Statement& statement,
                                   const Arguments&... arguments)
{
    if (change(doing, statement, arguments...) == 1) return;
    failed_ = true;
    throw store_error(doing, connection_.file(), "the account is gone", "nothing has been changed");
}

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

auth::Failures SqliteTransaction::failures(const NameKey& name, const Source& source)
{
    return attempt("reading failures from", [&] {
        auto& row = statements_.find_failures;
        Execution found(row, name, source.bucket());
        if (!found.next()) return auth::Failures{};
        auth::Failures failures{.password = row.getColumn(0).getInt(), .code = row.getColumn(1).getInt()};
        if (!row.isColumnNull(2)) failures.wait_until = time_in(row.getColumn(2));
        return failures;
    });
}

void SqliteTransaction::save_failures(const NameKey& name, const Source& source,
                                      const auth::Failures& failures, Time now)
{
    constexpr std::string_view doing = "saving failures to";
    if (failures == auth::Failures{}) {
        change(doing, statements_.forget_failures, name, source.bucket());
    } else {
        change(doing, statements_.save_failures, name, source.bucket(), failures.password, failures.code,
               failures.wait_until, now);
    }
}

void SqliteTransaction::count_refusal(const NameKey& name, Time now)
{
    change("counting a refusal in", statements_.count_refusal, name, now);
}

int SqliteTransaction::refusals(const NameKey& name)
{
    return attempt("reading refusals from", [&] {
        Execution found(statements_.find_refusals, name);
        return found.next() ? statements_.find_refusals.getColumn(0).getInt() : 0;
    });
}

auth::WholeAgain SqliteTransaction::ceiling(const NameKey& name)
{
    return attempt("reading a ceiling from", [&]() -> auth::WholeAgain {
        Execution found(statements_.find_ceiling, name);
        if (!found.next()) return std::nullopt;
        return time_in(statements_.find_ceiling.getColumn(0));
    });
}

void SqliteTransaction::save_ceiling(const NameKey& name, auth::WholeAgain whole_again)
{
    constexpr std::string_view doing = "saving a ceiling to";
    if (whole_again) {
        change(doing, statements_.save_ceiling, name, *whole_again);
    } else {
        change(doing, statements_.forget_ceiling, name);
    }
}

bool SqliteTransaction::knows_source(const auth::UserName& name, const Source& source, Time since)
{
    return attempt("looking for a source in", [&] {
        return Execution(statements_.knows_source, name.str(), source.bucket(), since).next();
    });
}

void SqliteTransaction::remember_source(const Account& account, const Source& source, Time now)
{
    constexpr std::string_view doing = "remembering a source in";
    change(doing, statements_.remember_source, account.id, source.bucket(), now);
    change(doing, statements_.forget_old_sources, account.id,
           static_cast<std::int64_t>(auth::kMostKnownSources));
}

void SqliteTransaction::forget_refusals(const NameKey& name)
{
    change("forgetting refusals in", statements_.forget_refusals, name);
}

bool SqliteTransaction::open_session(const auth::Session& session)
{
    return change("opening a session in", statements_.open_session, session.user, session.id,
                  session.opened_at, session.expires_at, session.last_used_at, session.source) == 1;
}

std::optional<auth::Session> SqliteTransaction::find_session(UserId user, std::string_view id)
{
    return attempt("finding a session in", [&]() -> std::optional<auth::Session> {
        auto& row = statements_.find_session;
        Execution found(row, user, id);
        if (!found.next()) return std::nullopt;
        return session_in(row);
    });
}

void SqliteTransaction::touch_session(const auth::Session& session, Time last_used_at)
{
    change("marking a session in", statements_.touch_session, last_used_at, session.user, session.id);
}

void SqliteTransaction::end_session(UserId user, std::string_view id)
{
    change("ending a session in", statements_.end_session, user, id);
}

void SqliteTransaction::end_sessions(UserId user, std::string_view except)
{
    change("ending sessions in", statements_.end_sessions, user, except);
}

std::vector<auth::Session> SqliteTransaction::sessions(UserId user)
{
    return attempt("listing sessions in", [&] {
        std::vector<auth::Session> sessions;
        Execution rows(statements_.sessions_of, user);
        while (rows.next()) sessions.push_back(session_in(statements_.sessions_of));
        return sessions;
    });
}

void SqliteTransaction::set_session_token(const auth::Session& session,
                                          const std::optional<auth::TokenHash>& token)
{
    change("setting a token in", statements_.set_session_token, token, session.user, session.id);
}

std::optional<auth::Device> SqliteTransaction::find_device(const auth::UserName& name,
                                                           const auth::DeviceFingerprint& fingerprint)
{
    return attempt("finding a device in", [&] {
        Execution found(statements_.find_device, name.str(), fingerprint);
        return found.next() ? std::optional(device_in(statements_.find_device)) : std::nullopt;
    });
}

void SqliteTransaction::remember_device(UserId user, const auth::DeviceFingerprint& fingerprint, Time now,
                                        const std::string& source)
{
    constexpr std::string_view doing = "remembering a device in";
    constexpr auto others = static_cast<std::int64_t>(auth::kMostDevices - 1);
    if (change(doing, statements_.see_device, now, source, user, fingerprint) == 1) return;
    change(doing, statements_.add_device, user, fingerprint, now, now, source);
    change(doing, statements_.forget_old_devices, user, fingerprint, others);
}

bool SqliteTransaction::forget_device(UserId user, const auth::DeviceFingerprint& fingerprint)
{
    return change("forgetting a device in", statements_.forget_device, user, fingerprint) == 1;
}

std::vector<auth::Device> SqliteTransaction::devices(UserId user)
{
    return attempt("listing devices in", [&] {
        std::vector<auth::Device> devices;
        Execution rows(statements_.devices_of, user);
        while (rows.next()) devices.push_back(device_in(statements_.devices_of));
        return devices;
    });
}

void SqliteTransaction::forget_devices(UserId user, const std::optional<auth::DeviceFingerprint>& except)
{
    constexpr std::string_view doing = "forgetting devices in";
    if (except) {
        change(doing, statements_.forget_other_devices, user, *except);
    } else {
        change(doing, statements_.forget_devices, user);
    }
}

/// The end is read here, in the transaction, and never remembered: another process may have written too.
auth::AuditMark SqliteTransaction::append_audit(const auth::AuditRecord& record)
{
    constexpr std::string_view doing = "writing an audit record to";
    const auto [key, last] = audit_end();
    const auto mark = attempt(doing, [&] { return key->chain.mark(last.mac, last.id + 1, record); });
    const auto head = attempt(doing, [&] { return key->chain.head(mark); });
    change(doing, statements_.append_audit, mark.id, record.at, record.event, record.outcome,
           unless_empty(record.reason), record.user, record.name, unless_empty(record.source),
           unless_empty(record.device), mark.mac);
    change(doing, statements_.move_audit_head, mark.id, mark.mac, head.mac);
    ++audit_records_;
    return mark;
}

SqliteTransaction::AuditEnd SqliteTransaction::audit_end()
{
    constexpr std::string_view doing = "writing an audit record to";
    const auto head = attempt(doing, [&] {
        Execution found(statements_.find_audit_head);
        return found.next() ? audit_head_in(statements_.find_audit_head) : std::nullopt;
    });
    auto key = key_in_use();
    // To go on from an end that somebody else has set would make theirs ours.
    if (head && key->chain.is_genuine(*head)) return {.key = std::move(key), .last = head->last};
    failed_ = true;
    throw store_error(doing, connection_.file(), "the end of the audit has been tampered with",
                      "see `securelogin-admin audit verify`, and restore the database from a backup");
}

/// Asked, not remembered: once the database says another key, nothing more is sealed or recorded under the
/// old one, whoever it is that writes.
std::shared_ptr<const Keys::Key> SqliteTransaction::key_in_use()
{
    constexpr std::string_view doing = "finding the master key of";
    return attempt(doing, [&] {
        Execution found(statements_.find_key);
        if (found.next()) {
            if (auto key = keys_.use(key_id_in(statements_.find_key.getColumn(0)))) return key;
        }
        throw store_error(doing, connection_.file(), "it has been rotated, and the new one is not at hand",
                          "restart this program where it gets its master key from systemd; else restore "
                          "master.key from the backup");
    });
}

SealedValue SqliteTransaction::seal(const Secret& value, const SealedPlace& place)
{
    return key_in_use()->sealer.seal(value, place);
}

bool SqliteTransaction::purge(const auth::Purge& purge)
{
    constexpr std::string_view doing = "purging";
    const auto most = static_cast<std::int64_t>(purge.rows);
    const int sessions = change(doing, statements_.purge_sessions, purge.now, most);
    const int failures = change(doing, statements_.purge_failures, purge.forgotten, most);
    const int refusals = change(doing, statements_.purge_refusals, purge.forgotten, most);
    const int ceilings = change(doing, statements_.purge_ceilings, purge.now, most);
    const int sources = change(doing, statements_.purge_sources, purge.forgotten_source, most);
    const int devices = change(doing, statements_.purge_devices, purge.now - auth::kDevicesForgotten, most);
    const int invitations = change(doing, statements_.purge_invitations, purge.now, most);
    const int endings = change(doing, statements_.purge_token_endings, auth::kEndingsKept, most);
    const bool more =
        std::max({sessions, failures, refusals, ceilings, sources, devices, invitations, endings}) >= most;
    return trim(purge) || more;
}

/// What is beyond the bound goes; true when there may be more.
bool SqliteTransaction::trim(const auth::Purge& purge)
{
    constexpr std::string_view doing = "purging";
    const auto counts = attempt(doing, [&] {
        Execution counting(statements_.count_for_purge);
        [[maybe_unused]] const bool there = counting.next();  // always one row
        auto& row = statements_.count_for_purge;
        return std::array{row.getColumn(0).getInt64(), row.getColumn(1).getInt64(),
                          row.getColumn(2).getInt64()};
    });
    const std::array<SQLite::Statement*, 3> trims{&statements_.trim_failures, &statements_.trim_refusals,
                                                  &statements_.trim_ceilings};
    bool more = false;
    for (std::size_t table = 0; table < trims.size(); ++table) {
        const auto excess = counts[table] - static_cast<std::int64_t>(purge.most_kept);
        if (excess <= 0) continue;
        const auto rows = static_cast<std::int64_t>(purge.rows);
        change(doing, *trims[table], std::min(excess, rows));
        more = more || excess > rows;
    }
    return more;
}

}  // namespace securelogin::store
