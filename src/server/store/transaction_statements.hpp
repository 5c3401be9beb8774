// transaction_statements.hpp: what a transaction issues, prepared once for the life of the writer's
// connection.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "server/store/statements.hpp"

namespace securelogin::store {

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

}  // namespace securelogin::store
