// sqlite_transaction.hpp: the domain's reads and writes as statements, inside a transaction that the writer
// has begun.
//
// What it does to which rows: transaction_accounts.cpp, transaction_attempts.cpp, transaction_sessions.cpp,
// transaction_audit.cpp, transaction_purge.cpp.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/store.hpp"
#include "server/store/connection.hpp"
#include "server/store/execution.hpp"
#include "server/store/keys.hpp"
#include "server/store/transaction_statements.hpp"

namespace securelogin::store {

/// Lives as long as one piece of work.
class SqliteTransaction final : public auth::Transaction {
  public:
    SqliteTransaction(const Connection& connection, TransactionStatements& statements, Keys& keys)
        : connection_(connection), statements_(statements), keys_(keys)
    {
    }

    /// True once anything has failed: then nothing of the work may be kept, even if the work has caught the
    /// error.
    [[nodiscard]] bool failed() const noexcept { return failed_; }

    /// How many the work has appended.
    [[nodiscard]] std::uint64_t audit_records() const noexcept { return audit_records_; }

    std::optional<auth::Account> find_account(const auth::UserName& name) override;
    bool add_account(const auth::NewAccount& account) override;
    void set_state(const auth::Account& account, auth::AccountState state) override;
    void remove_account(const auth::Account& account) override;
    void set_password(const auth::Account& account, const Secret& phc, auth::Time now) override;
    bool renew_password_hash(const auth::Account& account, std::int64_t epoch, const Secret& phc) override;
    void require_new_password(const auth::Account& account) override;
    void record_login(const auth::Account& account, const auth::LastLogin& login) override;

    Secret totp_secret(const auth::Account& account) override;
    void set_totp(const auth::Account& account, const Secret& secret, const auth::TotpParameters& parameters,
                  auth::Time now) override;
    void remove_totp(const auth::Account& account) override;
    bool spend_step(auth::UserId user, auth::TimeStep step) override;
    void count_code_failure(auth::UserId user) override;

    void save_invitation(const auth::Invitation& invitation) override;
    std::optional<auth::Invitation> find_invitation(const auth::InvitationHash& hash) override;
    std::optional<auth::Invitation> invitation_of(const auth::UserName& name) override;
    bool spend_invitation(const auth::Invitation& invitation, auth::Time now) override;
    bool remove_invitation(const auth::UserName& name) override;

    void set_recovery_codes(const auth::Account& account,
                            std::span<const auth::RecoveryCodeHash> hashes) override;
    bool spend_recovery_code(auth::UserId user, const auth::RecoveryCodeHash& hash) override;
    int count_recovery_codes(auth::UserId user) override;

    auth::Failures failures(const auth::NameKey& name, const auth::Source& source) override;
    void save_failures(const auth::NameKey& name, const auth::Source& source, const auth::Failures& failures,
                       auth::Time now) override;
    void count_refusal(const auth::NameKey& name, auth::Time now) override;
    int refusals(const auth::NameKey& name) override;
    void forget_refusals(const auth::NameKey& name) override;
    auth::WholeAgain ceiling(const auth::NameKey& name) override;
    void save_ceiling(const auth::NameKey& name, auth::WholeAgain whole_again) override;

    bool knows_source(const auth::UserName& name, const auth::Source& source, auth::Time since) override;
    void remember_source(const auth::Account& account, const auth::Source& source, auth::Time now) override;

    bool open_session(const auth::Session& session) override;
    std::optional<auth::Session> find_session(auth::UserId user, std::string_view id) override;
    void touch_session(const auth::Session& session, auth::Time last_used_at) override;
    void end_session(auth::UserId user, std::string_view id) override;
    void end_sessions(auth::UserId user, std::string_view except) override;
    std::vector<auth::Session> sessions(auth::UserId user) override;
    void set_session_token(const auth::Session& session,
                           const std::optional<auth::TokenHash>& token) override;

    std::optional<auth::Device> find_device(const auth::UserName& name,
                                            const auth::DeviceFingerprint& fingerprint) override;
    void remember_device(auth::UserId user, const auth::DeviceFingerprint& fingerprint, auth::Time now,
                         const std::string& source) override;
    bool forget_device(auth::UserId user, const auth::DeviceFingerprint& fingerprint) override;
    std::vector<auth::Device> devices(auth::UserId user) override;
    void forget_devices(auth::UserId user, const std::optional<auth::DeviceFingerprint>& except) override;

    auth::AuditMark append_audit(const auth::AuditRecord& record) override;
    bool purge(const auth::Purge& purge) override;

  private:
    /// Where the audit ends, and whose chain goes on from there.
    struct AuditEnd {
        std::shared_ptr<const Keys::Key> key;
        auth::AuditMark last;
    };
    /// Throws where it is not one that we have written.
    [[nodiscard]] AuditEnd audit_end();

    /// The key that the database is under in this transaction.
    [[nodiscard]] std::shared_ptr<const Keys::Key> key_in_use();
    [[nodiscard]] SealedValue seal(const Secret& value, const SealedPlace& place);

    template <typename Function>
    auto attempt(std::string_view doing, Function function);
    /// One statement that changes rows; how many it has changed.
    template <typename... Arguments>
    int change(std::string_view doing, SQLite::Statement& statement, const Arguments&... arguments);
    /// One that must find its row.
    template <typename... Arguments>
    void change_one(std::string_view doing, SQLite::Statement& statement, const Arguments&... arguments);

    bool trim(const auth::Purge& purge);

    const Connection& connection_;
    TransactionStatements& statements_;
    Keys& keys_;
    bool failed_ = false;
    std::uint64_t audit_records_ = 0;
};

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

}  // namespace securelogin::store
