// sqlite_transaction.hpp: the domain's reads and writes as statements, inside a transaction that the writer
// has begun.
#pragma once

#include <SQLiteCpp/Statement.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/auth/store.hpp"
#include "server/store/connection.hpp"
#include "server/store/keys.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {

/// What a transaction issues, prepared once for the life of the writer's connection.
struct TransactionStatements {
    explicit TransactionStatements(SQLite::Database& opened) : database(opened) {}

    SQLite::Database& database;
    SQLite::Statement find_account{database, sql::kFindAccount};
    SQLite::Statement add_user{database, sql::kAddUser};
    SQLite::Statement set_state{database, sql::kSetState};
    SQLite::Statement remove_user{database, sql::kRemoveUser};
    SQLite::Statement set_password{database, sql::kSetPassword};
    SQLite::Statement renew_password_hash{database, sql::kRenewPasswordHash};
    SQLite::Statement require_new_password{database, sql::kRequireNewPassword};
    SQLite::Statement record_login{database, sql::kRecordLogin};
    SQLite::Statement find_totp_secret{database, sql::kFindTotpSecret};
    SQLite::Statement set_totp{database, sql::kSetTotp};
    SQLite::Statement spend_step{database, sql::kSpendStep};
    SQLite::Statement count_code_failure{database, sql::kCountCodeFailure};
    SQLite::Statement remove_totp{database, sql::kRemoveTotp};
    SQLite::Statement save_invitation{database, sql::kSaveInvitation};
    SQLite::Statement find_invitation{database, sql::kFindInvitation};
    SQLite::Statement invitation_of{database, sql::kInvitationOf};
    SQLite::Statement spend_invitation{database, sql::kSpendInvitation};
    SQLite::Statement remove_invitation{database, sql::kRemoveInvitation};
    SQLite::Statement purge_invitations{database, sql::kPurgeInvitations};
    SQLite::Statement forget_recovery_codes{database, sql::kForgetRecoveryCodes};
    SQLite::Statement add_recovery_code{database, sql::kAddRecoveryCode};
    SQLite::Statement note_recovery_codes{database, sql::kNoteRecoveryCodes};
    SQLite::Statement spend_recovery_code{database, sql::kSpendRecoveryCode};
    SQLite::Statement count_recovery_codes{database, sql::kCountRecoveryCodes};
    SQLite::Statement find_failures{database, sql::kFindFailures};
    SQLite::Statement save_failures{database, sql::kSaveFailures};
    SQLite::Statement forget_failures{database, sql::kForgetFailures};
    SQLite::Statement count_refusal{database, sql::kCountRefusal};
    SQLite::Statement find_refusals{database, sql::kFindRefusals};
    SQLite::Statement forget_refusals{database, sql::kForgetRefusals};
    SQLite::Statement find_ceiling{database, sql::kFindCeiling};
    SQLite::Statement save_ceiling{database, sql::kSaveCeiling};
    SQLite::Statement forget_ceiling{database, sql::kForgetCeiling};
    SQLite::Statement knows_source{database, sql::kKnowsSource};
    SQLite::Statement remember_source{database, sql::kRememberSource};
    SQLite::Statement forget_old_sources{database, sql::kForgetOldSources};
    SQLite::Statement open_session{database, sql::kOpenSession};
    SQLite::Statement find_session{database, sql::kFindSession};
    SQLite::Statement touch_session{database, sql::kTouchSession};
    SQLite::Statement end_session{database, sql::kEndSession};
    SQLite::Statement end_sessions{database, sql::kEndSessions};
    SQLite::Statement sessions_of{database, sql::kSessionsOf};
    SQLite::Statement set_session_token{database, sql::kSetSessionToken};
    SQLite::Statement find_device{database, sql::kFindDevice};
    SQLite::Statement devices_of{database, sql::kDevicesOf};
    SQLite::Statement see_device{database, sql::kSeeDevice};
    SQLite::Statement add_device{database, sql::kAddDevice};
    SQLite::Statement forget_old_devices{database, sql::kForgetOldDevices};
    SQLite::Statement forget_device{database, sql::kForgetDevice};
    SQLite::Statement forget_devices{database, sql::kForgetDevices};
    SQLite::Statement forget_other_devices{database, sql::kForgetOtherDevices};
    SQLite::Statement append_audit{database, sql::kAppendAudit};
    SQLite::Statement find_audit_head{database, sql::kFindAuditHead};
    SQLite::Statement find_key{database, sql::kFindKey};
    SQLite::Statement move_audit_head{database, sql::kMoveAuditHead};
    SQLite::Statement purge_sessions{database, sql::kPurgeSessions};
    SQLite::Statement purge_failures{database, sql::kPurgeFailures};
    SQLite::Statement purge_refusals{database, sql::kPurgeRefusals};
    SQLite::Statement purge_ceilings{database, sql::kPurgeCeilings};
    SQLite::Statement purge_sources{database, sql::kPurgeSources};
    SQLite::Statement count_for_purge{database, sql::kCountForPurge};
    SQLite::Statement trim_failures{database, sql::kTrimFailures};
    SQLite::Statement trim_refusals{database, sql::kTrimRefusals};
    SQLite::Statement trim_ceilings{database, sql::kTrimCeilings};
    SQLite::Statement purge_devices{database, sql::kPurgeDevices};
    SQLite::Statement purge_token_endings{database, sql::kPurgeTokenEndings};
};

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

}  // namespace securelogin::store
