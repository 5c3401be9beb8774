// What the tables refuse by themselves, whatever the code does; and that the statements fit them.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <vector>

#include "server/store/statements.hpp"
#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

/// A database with Alice (17), her TOTP at step 100, and an audit record.
class Schema : public testing::Test {
  protected:
    void SetUp() override
    {
        const auto store = open_store(file_);
        add(*store, "alice", 17);
        auth::transact(*store, [](auth::Transaction& transaction) {
            EXPECT_TRUE(transaction.spend_step(auth::UserId{17}, 100));
            transaction.append_audit({.at = support::kNoon, .event = "login", .outcome = "granted"});
        });
    }

    support::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_ / "securelogin.db";
};

struct Forbidden {
    std::string name;
    std::string sql;
};

class SchemaRefuses : public Schema, public testing::WithParamInterface<Forbidden> {};

TEST_P(SchemaRefuses, ByItself)
{
    SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA foreign_keys = ON");
    EXPECT_EQ(database.tryExec(GetParam().sql), SQLITE_CONSTRAINT) << GetParam().sql;
    EXPECT_EQ(database.execAndGet("SELECT last_step FROM totp").getInt(), 100);
    EXPECT_EQ(database.execAndGet("SELECT COUNT(*) FROM audit").getInt(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, SchemaRefuses,
    testing::Values(
        Forbidden{"AStepGivenBack", "UPDATE totp SET last_step = 99"},
        Forbidden{"AStepSpentAgain", "UPDATE totp SET last_step = 100"},
        Forbidden{"AStepForgotten", "UPDATE totp SET last_step = 0, failures = 0"},
        Forbidden{"SevenDigits", "UPDATE totp SET digits = 7"},
        Forbidden{"ALongPeriod", "UPDATE totp SET period = 301"},
        Forbidden{"AnUnknownAlgorithm", "UPDATE totp SET algorithm = 'md5'"},
        Forbidden{"AnUnsealedSecret", "UPDATE totp SET secret = x'00'"},
        Forbidden{"NegativeFailures", "UPDATE totp SET failures = -1"},
        Forbidden{"ATextForANumber", "UPDATE totp SET last_step = 'soon'"},
        Forbidden{"AnAuditRecordChanged", "UPDATE audit SET outcome = 'refused'"},
        Forbidden{"AnAuditRecordDeleted", "DELETE FROM audit"},
        Forbidden{"AnUnknownOutcome",
                  "INSERT INTO audit (at, event, outcome, mac) VALUES (1, 'login', 'maybe', zeroblob(32))"},
        Forbidden{"AnEventWithoutAName",
                  "INSERT INTO audit (at, event, outcome, mac) VALUES (1, '', 'done', zeroblob(32))"},
        Forbidden{"AnAuditRecordWithoutAMac",
                  "INSERT INTO audit (at, event, outcome) VALUES (1, 'login', 'done')"},
        Forbidden{"AnAuditHeadPutBack", "UPDATE audit_head SET last_id = 0"},
        Forbidden{"AnAuditHeadMovedToItself", "UPDATE audit_head SET mac = zeroblob(32)"},
        Forbidden{"AnAuditHeadDeleted", "DELETE FROM audit_head"},
        Forbidden{"ASecondAuditHead", "INSERT INTO audit_head VALUES (2, 1, zeroblob(32), zeroblob(32))"},
        Forbidden{"AnUpperCaseName", "UPDATE users SET name = 'Alice'"},
        Forbidden{"ANameWithABlank", "UPDATE users SET name = 'al ice'"},
        Forbidden{"ANameThatStartsWithADot", "UPDATE users SET name = '.alice'"},
        Forbidden{"AnEmptyName", "UPDATE users SET name = ''"},
        Forbidden{"ALongName", "UPDATE users SET name = '" + std::string(65, 'a') + "'"},
        Forbidden{"AnUnknownState", "UPDATE users SET state = 'enabled'"},
        Forbidden{"AnUnsealedHash", "UPDATE users SET password_hash = x'00'"},
        Forbidden{"HalfALogin", "UPDATE users SET last_login_at = 1"},
        Forbidden{"TwoUsersOfOneId",
                  "INSERT INTO users (name, id, password_hash, created_at, password_set_at)"
                  " SELECT 'bob', id, password_hash, created_at, password_set_at FROM users"},
        Forbidden{"AFlagThatIsNone", "UPDATE users SET must_change_password = 2"},
        Forbidden{"LessThanNoRecoveryCodes", "UPDATE users SET recovery_codes_made = -1"},
        Forbidden{"ARecoveryCodeOfNobody", "INSERT INTO recovery_codes VALUES (99, zeroblob(32))"},
        Forbidden{"ARecoveryCodeInTheClear", "INSERT INTO recovery_codes VALUES (17, x'41424344')"},
        Forbidden{"ASessionOfNobody", "INSERT INTO sessions VALUES (99, 'aaaaaaaa', 1, 2, 1, 'local', NULL)"},
        Forbidden{"AShortSessionId", "INSERT INTO sessions VALUES (17, 'aaaaaaa', 1, 2, 1, 'local', NULL)"},
        Forbidden{"ASessionIdThatIsNoNumber",
                  "INSERT INTO sessions VALUES (17, 'aaaaaaaG', 1, 2, 1, 'local', NULL)"},
        Forbidden{"ASessionThatEndsBeforeItStarts",
                  "INSERT INTO sessions VALUES (17, 'aaaaaaaa', 2, 2, 2, 'local', NULL)"},
        Forbidden{"ATokenThatIsNoHash",
                  "INSERT INTO sessions VALUES (17, 'aaaaaaaa', 1, 2, 1, 'local', zeroblob(31))"},
        Forbidden{"TwoSessionsOfOneToken",
                  "INSERT INTO sessions VALUES (17, 'aaaaaaaa', 1, 2, 1, 'local', zeroblob(32)),"
                  " (17, 'bbbbbbbb', 1, 2, 1, 'local', zeroblob(32))"},
        Forbidden{"NoFailures", "INSERT INTO failures VALUES (zeroblob(16), 'local', 0, 0, NULL, 1)"},
        Forbidden{"ANameInTheClear", "INSERT INTO failures VALUES (x'616c696365', 'local', 1, 0, NULL, 1)"},
        Forbidden{"ADeviceOfNobody", "INSERT INTO devices VALUES (99, zeroblob(32), 1, 1, 'local')"},
        Forbidden{"AShortDeviceFingerprint", "INSERT INTO devices VALUES (17, zeroblob(31), 1, 1, 'local')"},
        Forbidden{"AnInvitationThatExpiresBeforeItIsMade",
                  "INSERT INTO invitations VALUES ('bob', zeroblob(32), 2, 2, zeroblob(16))"},
        Forbidden{"AnInvitationInTheClear",
                  "INSERT INTO invitations VALUES ('bob', zeroblob(16), 1, 2, zeroblob(16))"},
        Forbidden{"AnInvitationOfNobodysName",
                  "INSERT INTO invitations VALUES ('Bob', zeroblob(32), 1, 2, zeroblob(16))"},
        Forbidden{"OneInvitationForTwo",
                  "INSERT INTO invitations VALUES ('bob', zeroblob(32), 1, 2, zeroblob(16)),"
                  " ('carol', zeroblob(32), 1, 2, zeroblob(16))"},
        Forbidden{"ASecondInstallation",
                  "INSERT INTO installation VALUES (2, 1, 1, zeroblob(64), NULL, NULL)"},
        Forbidden{"ANameKeyInTheClear", "UPDATE installation SET name_key = zeroblob(32)"},
        Forbidden{"AnAuditKeyInTheClear", "INSERT INTO audit_keys VALUES (1, zeroblob(32))"}),
    [](const auto& row) { return row.param.name; });

struct NamedStatement {
    std::string name;
    const char* sql;
};

class Statements : public Schema, public testing::WithParamInterface<NamedStatement> {};

/// SQLite numbers `$n` by appearance, PostgreSQL by n: only where both are the same does one text mean one
/// thing.
TEST_P(Statements, FitTheTablesAndNumberParametersInTheOrderOfAppearance)
{
    const SQLite::Database database(file_.string());
    SQLite::Statement statement(database, GetParam().sql);
    for (int i = 1; i <= statement.getBindParameterCount(); ++i) {
        EXPECT_EQ(statement.getIndex(("$" + std::to_string(i)).c_str()), i);
    }
}

#define STATEMENT(name) \
    NamedStatement { #name, sql::name }
INSTANTIATE_TEST_SUITE_P(
    Catalogue, Statements,
    testing::Values(
        STATEMENT(kFindAccount), STATEMENT(kAccountsAfter), STATEMENT(kFindPassword), STATEMENT(kAddUser),
        STATEMENT(kSetState), STATEMENT(kRemoveUser), STATEMENT(kSetPassword), STATEMENT(kRenewPasswordHash),
        STATEMENT(kRecordLogin), STATEMENT(kFindTotpSecret), STATEMENT(kSetTotp), STATEMENT(kSpendStep),
        STATEMENT(kRequireNewPassword), STATEMENT(kForgetRecoveryCodes), STATEMENT(kAddRecoveryCode),
        STATEMENT(kNoteRecoveryCodes), STATEMENT(kSpendRecoveryCode), STATEMENT(kCountRecoveryCodes),
        STATEMENT(kCountCodeFailure), STATEMENT(kFindFailures), STATEMENT(kSaveFailures),
        STATEMENT(kForgetFailures), STATEMENT(kCountRefusal), STATEMENT(kFindRefusals),
        STATEMENT(kForgetRefusals), STATEMENT(kOpenSession), STATEMENT(kFindSession),
        STATEMENT(kTouchSession), STATEMENT(kEndSession), STATEMENT(kEndSessions), STATEMENT(kCountSessions),
        STATEMENT(kSessionsOf), STATEMENT(kSessionsAfter), STATEMENT(kSetSessionToken), STATEMENT(kFindToken),
        STATEMENT(kLastTokenEnding), STATEMENT(kTokensEndedSince), STATEMENT(kPurgeTokenEndings),
        STATEMENT(kFindDevice), STATEMENT(kDevicesOf), STATEMENT(kSeeDevice), STATEMENT(kAddDevice),
        STATEMENT(kForgetOldDevices), STATEMENT(kForgetDevice), STATEMENT(kForgetDevices),
        STATEMENT(kForgetOtherDevices), STATEMENT(kPurgeDevices), STATEMENT(kAppendAudit),
        STATEMENT(kFindAuditHead), STATEMENT(kMoveAuditHead), STATEMENT(kReadAudit), STATEMENT(kAuditPage),
        STATEMENT(kNewestAudit), STATEMENT(kMakeAuditHead), STATEMENT(kPurgeSessions),
        STATEMENT(kPurgeFailures), STATEMENT(kPurgeRefusals), STATEMENT(kPurgeCeilings),
        STATEMENT(kPurgeSources), STATEMENT(kCountForPurge), STATEMENT(kTrimFailures),
        STATEMENT(kTrimRefusals), STATEMENT(kTrimCeilings), STATEMENT(kMakeInstallation), STATEMENT(kFindKey),
        STATEMENT(kFindKeptKeys), STATEMENT(kAuditKeys), STATEMENT(kBeginRotation), STATEMENT(kEndRotation),
        STATEMENT(kKeepAuditKey), STATEMENT(kSealedAfter), STATEMENT(kResealPassword), STATEMENT(kResealTotp),
        STATEMENT(kCountUsers), STATEMENT(kFindSchemaVersion), STATEMENT(kSetSchemaVersion),
        STATEMENT(kSummary)),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Invitations, Statements,
                         testing::Values(STATEMENT(kRemoveTotp), STATEMENT(kSaveInvitation),
                                         STATEMENT(kFindInvitation), STATEMENT(kInvitationOf),
                                         STATEMENT(kInvitationsAfter), STATEMENT(kSpendInvitation),
                                         STATEMENT(kRemoveInvitation), STATEMENT(kPurgeInvitations)),
                         [](const auto& row) { return row.param.name; });

std::vector<std::string> steps_of(const std::filesystem::path& file, const char* statement)
{
    const SQLite::Database database(file.string());
    SQLite::Statement plan(database, std::string("EXPLAIN QUERY PLAN ") + statement);
    std::vector<std::string> steps;
    while (plan.executeStep()) steps.push_back(plan.getColumn(3).getString());
    return steps;
}

class Removal : public Schema, public testing::WithParamInterface<NamedStatement> {};

/// A flood leaves hundreds of thousands of rows; the few that go are not looked for among all.
TEST_P(Removal, LooksAtTheRowsThatGoOnly)
{
    using testing::HasSubstr;
    for (const auto& step : steps_of(file_, GetParam().sql)) {
        EXPECT_THAT(step, testing::Not(HasSubstr("TEMP B-TREE")));
        if (step.starts_with("SCAN ")) {
            EXPECT_THAT(step, HasSubstr(" USING COVERING INDEX "));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(OfManyRows, Removal,
                         testing::Values(STATEMENT(kPurgeFailures), STATEMENT(kPurgeRefusals),
                                         STATEMENT(kPurgeCeilings), STATEMENT(kTrimFailures),
                                         STATEMENT(kTrimRefusals), STATEMENT(kTrimCeilings)),
                         [](const auto& row) { return row.param.name; });

TEST_F(Schema, ATokenIsLookedUpByOneIndex)
{
    const auto steps = steps_of(file_, sql::kFindToken);
    EXPECT_THAT(steps, testing::Contains(testing::HasSubstr("USING INDEX sessions_by_token (token_hash=?)")));
    for (const auto& step : steps) {
        EXPECT_THAT(step,
                    testing::AnyOf(testing::StartsWith("SEARCH "), testing::StartsWith("SCALAR SUBQUERY")));
    }
}

}  // namespace
}  // namespace securelogin::store
