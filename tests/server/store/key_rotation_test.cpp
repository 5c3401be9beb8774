// The master key replaced in a database that others use meanwhile: nothing is lost, nothing is left behind.
#include "server/store/key_rotation.hpp"

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "server/auth/audit_verifier.hpp"
#include "server/store/kept_keys.hpp"
#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

using auth::transact;
using auth::Transaction;
using support::kNoon;
using testing::HasSubstr;

void no_progress(std::uint64_t) {}

class KeyRotationTest : public testing::Test {
  protected:
    /// What master.key would hold: a letter a key, the oldest first.
    auth::MasterKeySource source()
    {
        return [this] {
            std::vector<auth::MasterKey> keys;
            for (const char octet : files_.at(at_hand_)) keys.push_back(master_key(octet));
            return keys;
        };
    }
    void put(std::string keys)
    {
        files_.push_back(std::move(keys));
        at_hand_ = files_.size() - 1;
    }

    std::unique_ptr<auth::Store> open(IfMissing if_missing = IfMissing::make)
    {
        return open_sqlite_store(file_, source(),
                                 {.if_missing = if_missing, .busy_timeout = std::chrono::seconds(10)});
    }

    /// `k` goes, `l` comes: all of it.  How many values were resealed.
    std::uint64_t rotate(const std::string& both = "kl")
    {
        put(both);
        KeyRotation rotation(file_, source());
        EXPECT_TRUE(rotation.begin(kNoon));
        const auto values = rotation.reseal(no_progress);
        EXPECT_EQ(rotation.reseal(no_progress), 0U);
        rotation.finish(kNoon);
        EXPECT_TRUE(rotation.empty_log());
        put(both.substr(1));
        return values;
    }

    auth::AuditFindings verify()
    {
        const auto keys = read_kept_keys(file_, source());
        auth::AuditVerifier verifier(keys.chain, {}, keys.earlier);
        const auto store = open(IfMissing::refuse);
        const auto head = store->open_reader()->read_audit(
            [&](const auth::AuditEntry& entry) { return verifier.take(entry); });
        return verifier.finish(head);
    }

    /// `password secret`, each as whoever opens it reads it.
    static std::string secrets_of(auth::Store& store, std::string_view user)
    {
        std::string secrets(store.open_reader()->find_password(name(user)).value().phc.view());
        transact(store, [&](Transaction& transaction) {
            const auto account = transaction.find_account(name(user));
            secrets += ' ' + std::string(transaction.totp_secret(account.value()).view());
        });
        return secrets;
    }

    static void append(auth::Store& store, const std::string& event)
    {
        transact(store, [&](Transaction& transaction) {
            transaction.append_audit({.at = kNoon, .event = event, .outcome = "done"});
        });
    }

    /// Every blob of every table that begins with `key`'s id, as what is sealed does: `table.column`.
    std::vector<std::string> sealed_under(char key)
    {
        const SQLite::Database database(file_.string());
        std::vector<std::string> places;
        SQLite::Statement columns(database,
                                  "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c"
                                  " WHERE t.type = 'table' AND c.type = 'BLOB'");
        while (columns.executeStep()) {
            const auto table = columns.getColumn(0).getString();
            const auto column = columns.getColumn(1).getString();
            SQLite::Statement values(database, "SELECT " + column + " FROM " + table);
            while (values.executeStep()) {
                const auto value = values.getColumn(0);
                const auto* const octets = static_cast<const std::uint8_t*>(value.getBlob());
                const std::span sealed(octets, static_cast<std::size_t>(value.getBytes()));
                if (key_id_of(sealed) == master_key(key).id()) places.push_back(table + "." + column);
            }
        }
        return places;
    }

    void tamper(const std::string& sql)
    {
        SQLite::Database(file_.string(), SQLite::OPEN_READWRITE).exec(sql);
    }

    support::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_ / "securelogin.db";

  private:
    std::vector<std::string> files_ = std::vector<std::string>(1, "k");
    std::atomic<std::size_t> at_hand_ = 0;
};

TEST_F(KeyRotationTest, EverythingIsUnderTheNewKeyAndNothingUnderTheOld)
{
    {
        const auto store = open();
        for (int user = 0; user < 600; ++user) add(*store, "user" + std::to_string(user), 1000 + user);
        append(*store, "before");
    }
    EXPECT_EQ(sealed_under('k').size(), 1201U);
    EXPECT_EQ(rotate(), 1200U);
    EXPECT_THAT(sealed_under('k'), testing::IsEmpty());
    // Check, name key, audit key; password and secret of each.
    EXPECT_EQ(sealed_under('l').size(), 1203U);
    const auto store = open(IfMissing::refuse);
    EXPECT_EQ(secrets_of(*store, "user0"), "hash-of-user0 secret-of-user0");
    EXPECT_EQ(secrets_of(*store, "user599"), "hash-of-user599 secret-of-user599");
    EXPECT_THAT(refusal([&] { (void)open_sqlite_store(file_, master_key('k'), {}); }),
                HasSubstr("made under another master key"));
}

TEST_F(KeyRotationTest, OldValuesAreGoneFromTheFiles)
{
    std::vector<std::string> old;
    {
        const auto store = open();
        for (int user = 0; user < 50; ++user) add(*store, "user" + std::to_string(user), 1000 + user);
        const SQLite::Database database(file_.string());
        SQLite::Statement values(database, "SELECT password_hash FROM users UNION SELECT secret FROM totp");
        while (values.executeStep()) {
            // Key id and nonce: enough to know it by.
            old.emplace_back(static_cast<const char*>(values.getColumn(0).getBlob()), 16);
        }
    }
    ASSERT_EQ(old.size(), 100U);
    const auto files = [&] {
        std::string all;
        for (const auto* const suffix : {"", "-wal"}) {
            std::ifstream stream(file_.string() + suffix, std::ios::binary);
            all.append(std::istreambuf_iterator<char>(stream), {});
        }
        return all;
    };
    const auto count = [&](const std::string& in) {
        return std::ranges::count_if(old,
                                     [&](const auto& value) { return in.find(value) != std::string::npos; });
    };
    EXPECT_EQ(count(files()), 100);
    rotate();
    EXPECT_EQ(count(files()), 0);
}

TEST_F(KeyRotationTest, NamesAndTheAuditOutliveIt)
{
    const auto before = [&] {
        const auto store = open();
        for (const auto* const event : {"one", "two", "three"}) append(*store, event);
        return read_kept_keys(file_, source()).names("alice");
    }();
    rotate();
    append(*open(), "five");
    EXPECT_EQ(read_kept_keys(file_, source()).names("alice"), before);
    EXPECT_NE(auth::NameKeyer(master_key('l'))("alice"), before);
    rotate("lm");
    append(*open(), "eight");
    EXPECT_EQ(read_kept_keys(file_, source()).names("alice"), before);
    const auto findings = verify();
    EXPECT_FALSE(findings.fault) << findings.fault->what;
    // Three, then key.rotate and key.retire, one, these two again, one.
    EXPECT_EQ(findings.records, 9);
}

TEST_F(KeyRotationTest, LeavesRecordsThatSayWhich)
{
    (void)open();
    rotate();
    const SQLite::Database database(file_.string());
    SQLite::Statement rows(database,
                           "SELECT event || ' ' || outcome || ' ' || reason || ' ' || source FROM audit");
    std::vector<std::string> records;
    while (rows.executeStep()) records.push_back(rows.getColumn(0).getString());
    const auto old = auth::key_id_text(master_key('k').id());
    const auto fresh = auth::key_id_text(master_key('l').id());
    EXPECT_EQ(old, "82f63cbb");
    EXPECT_THAT(records, testing::ElementsAre("key.rotate done " + old + " to " + fresh + " admin",
                                              "key.retire done " + old + " admin"));
}

// Others meanwhile

TEST_F(KeyRotationTest, AStoreThatIsOpenGoesOnAtEveryStage)
{
    const auto daemon = open();
    add(*daemon, "alice", 17);
    add(*daemon, "bob", 18);
    const auto works = [&](const std::string& when) {
        SCOPED_TRACE(when);
        EXPECT_EQ(secrets_of(*daemon, "alice"), "hash-of-alice secret-of-alice");
        EXPECT_EQ(refusal([&] { append(*daemon, "login"); }), "none");
        EXPECT_EQ(refusal([&] { (void)open(IfMissing::refuse); }), "none") << "so does one that is opened";
        EXPECT_FALSE(verify().fault);
    };
    works("before");
    put("kl");
    works("the new key is at hand");
    KeyRotation rotation(file_, source());
    works("both are open");
    EXPECT_TRUE(rotation.begin(kNoon));
    works("begun");
    EXPECT_FALSE(rotation.begin(kNoon)) << "once";
    EXPECT_EQ(rotation.reseal(no_progress), 4U);
    works("resealed");
    rotation.finish(kNoon);
    rotation.finish(kNoon);
    works("finished");
    put("l");
    works("the old key is gone");
    EXPECT_FALSE(read_kept_keys(file_, source()).retiring);
}

TEST_F(KeyRotationTest, WhatOthersWriteMeanwhileIsUnderTheNewKey)
{
    const auto daemon = open();
    add(*daemon, "alice", 17);
    put("kl");
    KeyRotation rotation(file_, source());
    EXPECT_TRUE(rotation.begin(kNoon));
    // Not an audit record first: that would tell the daemon of the new key.
    transact(*daemon, [&](Transaction& transaction) {
        const auto account = transaction.find_account(name("alice"));
        transaction.set_password(account.value(), Secret::copy_of("another hash"), kNoon);
    });
    add(*daemon, "bob", 18);
    EXPECT_THAT(sealed_under('k'), testing::ElementsAre("totp.secret")) << "that of alice, untouched so far";
    EXPECT_EQ(rotation.reseal(no_progress), 1U);
    EXPECT_EQ(rotation.reseal(no_progress), 0U);
    rotation.finish(kNoon);
    put("l");
    EXPECT_EQ(secrets_of(*daemon, "alice"), "another hash secret-of-alice");
}

TEST_F(KeyRotationTest, AValueThatChangesBetweenReadingAndWritingIsNotWrittenOver)
{
    const auto daemon = open();
    constexpr int users = 600;  // more than two pages
    for (int user = 0; user < users; ++user) add(*daemon, "user" + std::to_string(user), 1000 + user);
    put("kl");
    KeyRotation rotation(file_, source());
    EXPECT_TRUE(rotation.begin(kNoon));
    std::jthread changing([&] {
        for (int user = 0; user < users; ++user) {
            transact(*daemon, [&](Transaction& transaction) {
                const auto account = transaction.find_account(name("user" + std::to_string(user)));
                transaction.set_password(account.value(), Secret::copy_of("new hash"), kNoon);
            });
        }
    });
    while (rotation.reseal(no_progress) > 0) continue;
    changing.join();
    rotation.finish(kNoon);
    put("l");
    EXPECT_THAT(sealed_under('k'), testing::IsEmpty());
    for (int user = 0; user < users; ++user) {
        const auto who = "user" + std::to_string(user);
        ASSERT_EQ(secrets_of(*daemon, who), "new hash secret-of-" + who);
    }
}

TEST_F(KeyRotationTest, WithoutTheNewKeyAtHandAnOpenStoreRefuses)
{
    // As one does that has its key from a credential, and was not restarted with the second one in it.
    const auto daemon = open_sqlite_store(file_, master_key('k'), {.if_missing = IfMissing::make});
    add(*daemon, "alice", 17);
    rotate();
    EXPECT_THAT(refusal([&] { append(*daemon, "login"); }), HasSubstr("the new one is not at hand: restart"));
    EXPECT_THAT(refusal([&] { (void)daemon->open_reader()->find_password(name("alice")); }),
                HasSubstr("sealed under another master key"));
}

// Ended half way

TEST_F(KeyRotationTest, IsTakenUpAgainWhereverItWasEnded)
{
    for (int stages = 0; stages <= 3; ++stages) {
        SCOPED_TRACE(stages);
        file_ = directory_ / ("ended" + std::to_string(stages) + ".db");
        put("k");
        {
            const auto store = open();
            for (int user = 0; user < 300; ++user) add(*store, "user" + std::to_string(user), 1000 + user);
        }
        put("kl");
        {
            KeyRotation ended(file_, source());
            if (stages > 0) {
                EXPECT_TRUE(ended.begin(kNoon));
            }
            // After the first page, as a kill would end it.
            struct Killed {};
            const auto kill = [](std::uint64_t) { throw Killed{}; };
            if (stages > 1) {
                EXPECT_THROW((void)ended.reseal(kill), Killed);
            }
            if (stages > 2) (void)ended.reseal(no_progress);
        }
        KeyRotation again(file_, source());
        EXPECT_EQ(again.begin(kNoon), stages == 0);
        EXPECT_EQ(again.reseal(no_progress), stages < 2 ? 600U : stages == 2 ? 88U : 0U);
        EXPECT_EQ(again.reseal(no_progress), 0U);
        again.finish(kNoon);
        put("l");
        EXPECT_THAT(sealed_under('k'), testing::IsEmpty());
        EXPECT_FALSE(verify().fault);
        EXPECT_EQ(secrets_of(*open(), "user299"), "hash-of-user299 secret-of-user299");
    }
}

// Hands in the tables

struct Tampered {
    std::string name;
    std::string sql;
    std::string said;
};

class RotationOfTampered : public KeyRotationTest, public testing::WithParamInterface<Tampered> {};

TEST_P(RotationOfTampered, IsRefusedAndLosesNothing)
{
    {
        const auto store = open();
        add(*store, "alice", 17);
        add(*store, "bob", 18);
        append(*store, "login");
    }
    tamper("DROP TRIGGER audit_head_only_grows; " + GetParam().sql);
    put("kl");
    EXPECT_THAT(refusal([&] {
                    KeyRotation rotation(file_, source());
                    (void)rotation.begin(kNoon);
                    while (rotation.reseal(no_progress) > 0) continue;
                    rotation.finish(kNoon);
                }),
                HasSubstr(GetParam().said));
    EXPECT_EQ(open(IfMissing::refuse)->open_reader()->find_password(name("bob")).value().phc.view(),
              "hash-of-bob");
}

INSTANTIATE_TEST_SUITE_P(
    Rows, RotationOfTampered,
    testing::Values(
        Tampered{
            "AMovedHash",
            "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE name = 'bob')"
            " WHERE name = 'alice'",
            "users.password_hash of alice has been altered or moved from another row: give that user a new"},
        Tampered{"AMovedSecret",
                 "UPDATE totp SET secret = (SELECT secret FROM totp WHERE user_id = 18) WHERE user_id = 17",
                 "totp.secret of alice has been altered"},
        Tampered{"AnUnknownKey", "UPDATE totp SET secret = zeroblob(40) WHERE user_id = 17",
                 "totp.secret of alice is sealed under another master key"},
        Tampered{"AForgedHead", "UPDATE audit_head SET mac = zeroblob(32)",
                 "the end of the audit has been tampered with"}),
    [](const auto& row) { return row.param.name; });

TEST_F(KeyRotationTest, WhoHasTheRetiredKeyCannotCutTheAuditOffAtItsEnd)
{
    {
        const auto store = open();
        for (const auto* const event : {"one", "two", "three"}) append(*store, event);
    }
    const auto old_head = directory_ / "old.db";
    tamper("VACUUM INTO '" + old_head.string() + "'");
    rotate();
    tamper(
        "DROP TRIGGER audit_is_never_deleted; DROP TRIGGER audit_head_is_never_deleted;"
        "DELETE FROM audit WHERE id > 3; DELETE FROM audit_head; ATTACH '" +
        old_head.string() + "' AS old; INSERT INTO audit_head SELECT * FROM old.audit_head");
    const auto fault = verify().fault;
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->record, 4);
    EXPECT_THAT(refusal([&] { append(*open(), "four"); }), HasSubstr("has been tampered with"));
}

TEST_F(KeyRotationTest, WhoHasTheRetiredKeyCannotPutValuesUnderItIn)
{
    {
        const auto store = open();
        add(*store, "alice", 17);
    }
    const auto daemon = open();  // and does nothing until then: it has not heard of the new key
    rotate();
    const Sealer retired(master_key('k'));
    const auto put_in = [&](const std::string& table, const std::string& column) {
        const auto forged =
            retired.seal(Secret::copy_of("theirs"),
                         {.table = table, .column = column, .user_id = 17, .user_name = "alice"});
        const SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE);
        SQLite::Statement update(database, "UPDATE " + table + " SET " + column + " = ?");
        update.bind(1, forged.data(), static_cast<int>(forged.size()));
        EXPECT_EQ(update.exec(), 1);
    };
    put_in("users", "password_hash");
    put_in("totp", "secret");
    EXPECT_THAT(refusal([&] { (void)daemon->open_reader()->find_password(name("alice")); }),
                HasSubstr("sealed under another master key"));
    EXPECT_THAT(refusal([&] {
                    transact(*daemon, [&](Transaction& transaction) {
                        (void)transaction.totp_secret(transaction.find_account(name("alice")).value());
                    });
                }),
                HasSubstr("sealed under another master key"));
}

}  // namespace
}  // namespace securelogin::store
