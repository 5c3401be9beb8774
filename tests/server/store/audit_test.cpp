// The audit in a file: what whoever can write the file does to it, who else writes it, and how it began.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "server/auth/audit_verifier.hpp"
#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

using support::kNoon;
using testing::HasSubstr;

class Audit : public testing::Test {
  protected:
    static void append(auth::Store& store, const std::string& event)
    {
        auth::transact(store, [&](auth::Transaction& transaction) {
            transaction.append_audit({.at = kNoon,
                                      .event = event,
                                      .outcome = "done",
                                      .user = auth::UserId{17},
                                      .name = name_key(7),
                                      .source = "192.0.2.7"});
        });
    }

    /// Ten records, `event-1` to `event-10`.
    void make_ten()
    {
        const auto store = open_store(file_);
        for (int i = 1; i <= 10; ++i) append(*store, "event-" + std::to_string(i));
    }

    /// With nothing in the way that the schema puts there.
    void tamper(const std::string& sql)
    {
        SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE);
        database.exec(
            "DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_deleted;"
            "DROP TRIGGER audit_head_only_grows; DROP TRIGGER audit_head_is_never_deleted;"
            "PRAGMA ignore_check_constraints = ON; " +
            sql);
    }

    auth::AuditFindings verify()
    {
        const auth::AuditChain chain(master_key());
        auth::AuditVerifier verifier(chain);
        const auto store = open_store(file_, IfMissing::refuse);
        const auto head = store->open_reader()->read_audit(
            [&](const auth::AuditEntry& entry) { return verifier.take(entry); });
        return verifier.finish(head);
    }

    std::string column(const std::string& query)
    {
        const SQLite::Database database(file_.string());
        SQLite::Statement rows(database, query);
        std::string all;
        while (rows.executeStep()) all += rows.getColumn(0).getString() + " ";
        return all;
    }

    support::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_ / "securelogin.db";
};

struct Tampering {
    std::string name;
    std::string sql;
    std::int64_t record;  // the first bad one
    std::string what;
    bool goes_on;  // whether records may be appended all the same: the fault stays to be seen
};

class AuditTampered : public Audit, public testing::WithParamInterface<Tampering> {};

TEST_P(AuditTampered, IsSeenAndStaysToBeSeen)
{
    make_ten();
    tamper(GetParam().sql);
    const auto fault = verify().fault;
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->record, GetParam().record);
    EXPECT_THAT(fault->what, HasSubstr(GetParam().what));

    const auto said = refusal([&] { append(*open_store(file_), "afterwards"); });
    EXPECT_EQ(said == "none", GetParam().goes_on) << said;
    const auto still = verify().fault;
    ASSERT_TRUE(still);
    EXPECT_EQ(still->record, GetParam().record);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, AuditTampered,
    testing::Values(
        Tampering{"TheTime", "UPDATE audit SET at = at + 1 WHERE id = 5", 5, "changed", true},
        Tampering{"TheEvent", "UPDATE audit SET event = 'x' WHERE id = 5", 5, "changed", true},
        Tampering{"TheOutcome", "UPDATE audit SET outcome = 'granted' WHERE id = 5", 5, "changed", true},
        Tampering{"AReason", "UPDATE audit SET reason = 'x' WHERE id = 5", 5, "changed", true},
        Tampering{"AnEmptyReason", "UPDATE audit SET reason = '' WHERE id = 5", 5, "changed", true},
        Tampering{"TheUser", "UPDATE audit SET user_id = 18 WHERE id = 5", 5, "changed", true},
        Tampering{"NoUser", "UPDATE audit SET user_id = NULL WHERE id = 5", 5, "changed", true},
        Tampering{"TheName", "UPDATE audit SET name_key = zeroblob(16) WHERE id = 5", 5, "changed", true},
        Tampering{"AShortName", "UPDATE audit SET name_key = x'00' WHERE id = 5", 5, "changed", true},
        Tampering{"TheSource", "UPDATE audit SET source = 'local' WHERE id = 5", 5, "changed", true},
        Tampering{"TheMac", "UPDATE audit SET mac = zeroblob(32) WHERE id = 5", 5, "changed", true},
        Tampering{"AShortMac", "UPDATE audit SET mac = x'' WHERE id = 5", 5, "changed", true},
        Tampering{"OneDropped", "DELETE FROM audit WHERE id = 5", 5, "record 5 has been dropped", true},
        Tampering{"OneMoved", "UPDATE audit SET id = 12 WHERE id = 5", 5, "record 5 has been dropped", true},
        Tampering{"TwoReordered",
                  "UPDATE audit SET id = 99 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 6;"
                  "UPDATE audit SET id = 6 WHERE id = 99",
                  3, "another put in its place", true},
        Tampering{
            "OneAppended",
            "INSERT INTO audit SELECT 11, at, event, outcome, reason, user_id, name_key, source, device, mac"
            " FROM audit WHERE id = 10",
            11, "changed", false},
        Tampering{"TheEndCutOff", "DELETE FROM audit WHERE id > 7", 8, "records 8 to 10 have been", true},
        Tampering{"TheEndCutOffAndTheHeadMadeToFit",
                  "DELETE FROM audit WHERE id > 7;"
                  "UPDATE audit_head SET last_id = 7, last_mac = (SELECT mac FROM audit WHERE id = 7)",
                  8, "head has been changed", false},
        Tampering{"TheHeadGone", "DELETE FROM audit_head", 11, "head is gone", false},
        Tampering{"TheHeadNoNumber", "UPDATE audit_head SET mac = x''", 11, "head is gone", false},
        Tampering{"AllGone", "DELETE FROM audit; DELETE FROM audit_head", 1, "head is gone", false}),
    [](const auto& row) { return row.param.name; });

TEST_F(Audit, AHeadPutBackAloneIsSeenAndEndsTheAudit)
{
    make_ten();
    const auto old_head = directory_ / "old.db";
    SQLite::Database(file_.string(), SQLite::OPEN_READWRITE).exec("VACUUM INTO '" + old_head.string() + "'");
    append(*open_store(file_), "event-11");
    tamper("ATTACH '" + old_head.string() +
           "' AS old; DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM old.audit_head");
    const auto fault = verify().fault;
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->record, 11);
    EXPECT_NE(refusal([&] { append(*open_store(file_), "afterwards"); }), "none");
}

TEST_F(Audit, WhatCannotBeRecordedIsNotDone)
{
    make_ten();
    tamper("UPDATE audit_head SET mac = zeroblob(32)");
    const auto store = open_store(file_);
    EXPECT_THAT(refusal([&] {
                    auth::transact(*store, [&](auth::Transaction& transaction) {
                        (void)transaction.add_account(new_account("alice", 17));
                        transaction.append_audit({.at = kNoon, .event = "user.add", .outcome = "done"});
                    });
                }),
                HasSubstr("the end of the audit has been tampered with: see `securelogin-admin audit"));
    EXPECT_FALSE(store->open_reader()->find_account(name("alice")));
}

TEST_F(Audit, TwoProcessesWriteOneChain)
{
    const auto daemon = open_store(file_);
    const auto administrator = open_store(file_);
    for (int i = 0; i < 20; ++i) append(i % 3 == 0 ? *administrator : *daemon, "event");
    const auto findings = verify();
    EXPECT_FALSE(findings.fault);
    EXPECT_EQ(findings.records, 20);
}

TEST_F(Audit, WorkThatFailsLeavesNoGap)
{
    const auto store = open_store(file_);
    append(*store, "first");
    EXPECT_NE(refusal([&] {
                  auth::transact(*store, [&](auth::Transaction& transaction) {
                      transaction.append_audit({.at = kNoon, .event = "undone", .outcome = "done"});
                      throw auth::StoreError("changed my mind");
                  });
              }),
              "none");
    append(*store, "second");
    EXPECT_FALSE(verify().fault);
    EXPECT_EQ(column("SELECT event FROM audit ORDER BY id"), "first second ");
}

// A database of schema 1: tests/server/store/schema_1.sql is what it was.

class AuditOfSchema1 : public Audit {
  protected:
    void SetUp() override
    {
        const auto newer = directory_ / "newer.db";
        (void)open_store(newer);
        SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        std::ifstream schema(std::string(SECURELOGIN_SOURCE_DIR) + "/tests/server/store/schema_1.sql");
        database.exec(std::string(std::istreambuf_iterator<char>(schema), {}));
        database.exec("PRAGMA application_id = " + std::to_string(kApplicationIdOf1));
        database.exec("ATTACH '" + newer.string() +
                      "' AS newer; INSERT INTO installation"
                      " SELECT single, 1, key_id, key_check FROM newer.installation; DETACH newer");
        database.exec(
            "INSERT INTO audit VALUES"
            " (1, 1780315200, 'login', 'refused', 'unknown_user', NULL, zeroblob(16), '192.0.2.7'),"
            " (2, 1780315201, 'user.add', 'done', NULL, 17, NULL, 'admin'),"
            " (4, 1780315202, 'login', 'granted', NULL, 17, NULL, '2001:db8::1')");
    }

    static constexpr int kApplicationIdOf1 = 0x534C4442;
};

TEST_F(AuditOfSchema1, IsKeptAndChained)
{
    const auto findings = verify();  // migrates
    EXPECT_FALSE(findings.fault);
    EXPECT_EQ(findings.records, 4);
    ASSERT_TRUE(findings.begin);
    EXPECT_EQ(findings.begin->mark.id, 5);
    EXPECT_EQ(findings.begin->record.reason, "3");
    EXPECT_EQ(column("SELECT id || ':' || at || ':' || event || ':' || outcome || ':' ||"
                     " coalesce(reason, '') || ':' || coalesce(user_id, '') || ':' ||"
                     " coalesce(length(name_key), '') || ':' || source FROM audit WHERE id < 5 ORDER BY id"),
              "1:1780315200:login:refused:unknown_user::16:192.0.2.7 2:1780315201:user.add:done::17::admin "
              "4:1780315202:login:granted::17::2001:db8::1 ");
    append(*open_store(file_), "afterwards");
    EXPECT_EQ(verify().records, 5);
}

TEST_F(AuditOfSchema1, IsLeftAsItIsByWhoOnlyLooks)
{
    const SqliteOptions look{.if_older = SqliteOptions::IfOlder::refuse};
    EXPECT_THROW((void)open_sqlite_store(file_, master_key(), look), OlderSchema);
    EXPECT_THAT(refusal([&] { (void)open_sqlite_store(file_, master_key(), look); }),
                HasSubstr("schema version 1, and would be migrated to 2"));
    EXPECT_EQ(column("SELECT schema_version FROM installation"), "1 ");
    EXPECT_EQ(column("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'audit_head'"), "0 ");
}

TEST_F(AuditOfSchema1, IsNotChainedUnderAnotherKey)
{
    EXPECT_THAT(refusal([&] { (void)open_sqlite_store(file_, master_key('l'), {}); }),
                HasSubstr("made under another master key"));
    EXPECT_EQ(column("SELECT schema_version FROM installation"), "1 ");
}

TEST_F(AuditOfSchema1, EndsUpWithTheTablesOfANewDatabase)
{
    (void)open_store(file_);
    // What each table holds, and what guards it; the text of the statements may differ.
    const std::string tables =
        "SELECT m.type || ' ' || m.name || ' ' || m.tbl_name || ' ' || coalesce(c.name, '') || ' ' ||"
        " coalesce(c.type, '') || ' ' || coalesce(c.\"notnull\", '') || ' ' || coalesce(c.dflt_value, '')"
        " || ' ' || coalesce(c.pk, '') || char(10)"
        " FROM sqlite_schema m LEFT JOIN pragma_table_xinfo(m.name) c ON m.type = 'table'"
        " ORDER BY m.type, m.name, c.name";
    const auto migrated = column(tables);
    file_ = directory_ / "newer.db";
    EXPECT_EQ(migrated, column(tables));
}

}  // namespace
}  // namespace securelogin::store
