// A backup in the place of a database: what is refused, and what can no longer be used afterwards.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "server/auth/audit_verifier.hpp"
#include "server/descriptor.hpp"
#include "server/store/backup.hpp"
#include "server/store/kept_keys.hpp"
#include "server/store/restoration.hpp"
#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

namespace fs = std::filesystem;
using support::kNoon;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr int kWindow = 1;
constexpr auto kStep = 30;  // seconds

auth::MasterKeySource only(char octet)
{
    return [octet] {
        std::vector<auth::MasterKey> keys;
        keys.push_back(master_key(octet));
        return keys;
    };
}

auth::TimeStep step_at(auth::Time time) { return time.time_since_epoch().count() / kStep; }

class Restoring : public testing::Test {
  protected:
    void SetUp() override
    {
        const auto store = open_store(file_);
        add(*store, "alice", 17);
        add(*store, "bob", 18);
        transact(*store, [](auth::Transaction& t) {
            const auto alice = t.find_account(name("alice")).value();
            ASSERT_TRUE(t.open_session({.user = alice.id,
                                        .id = "0123abcd",
                                        .opened_at = kNoon,
                                        .expires_at = kNoon + 12h,
                                        .last_used_at = kNoon,
                                        .source = "192.0.2.7"}));
            ASSERT_TRUE(t.spend_step(alice.id, step_at(kNoon)));
            t.append_audit({.at = kNoon, .event = "login", .outcome = "granted", .user = alice.id});
        });
        make_backup();
    }

    void make_backup()
    {
        const Descriptor copy(::open(backup_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        (void)back_up(file_, copy.get(), backup_, [](std::int64_t, std::int64_t) {}, {.pause_per_work = 0});
    }

    static void change(const fs::path& file, const std::string& sql)
    {
        SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
    }
    static int number(const fs::path& file, const std::string& query)
    {
        return SQLite::Database(file.string()).execAndGet(query).getInt();
    }
    static std::string content(const fs::path& file)
    {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    struct Done {
        Verified backup;
        Replaced replaced;
        HeldOn held;
        std::optional<fs::path> kept;
    };
    Done restore(auth::Time now, char key = 'k')
    {
        const Descriptor backup(::open(backup_.c_str(), O_RDONLY | O_CLOEXEC));
        Restoration restoration(file_, only(key));
        restoration.stage({.database = backup.get(), .log = -1, .name = backup_});
        Done done{.backup = restoration.verify(),
                  .replaced = restoration.look_at_replaced(),
                  .held = {},
                  .kept = {}};
        done.held = restoration.neutralize(now, kWindow);
        done.kept = restoration.replace(now);
        return done;
    }

    support::TemporaryDirectory directory_;
    fs::path file_ = directory_ / "securelogin.db";
    fs::path backup_ = directory_ / "backup";
};

TEST_F(Restoring, NoCodeThatMayHaveBeenSpentIsGood)
{
    const auto now = kNoon + 1h;
    (void)restore(now);
    const auto store = open_store(file_);
    const auto last = store->open_reader()->find_account(name("alice"))->totp->last_step;
    EXPECT_EQ(last, step_at(now) + kWindow);
    EXPECT_EQ(store->open_reader()->find_account(name("bob"))->totp->last_step, step_at(now) + kWindow)
        << "who has not logged in before the backup may have since";
    transact(*store, [&](auth::Transaction& t) {
        EXPECT_FALSE(t.spend_step(auth::UserId(17), step_at(now) + kWindow));
        EXPECT_TRUE(t.spend_step(auth::UserId(17), step_at(now) + kWindow + 1));
    });
}

TEST_F(Restoring, AStepIsNeverGivenBack)
{
    transact(*open_store(file_),
             [](auth::Transaction& t) { ASSERT_TRUE(t.spend_step(auth::UserId(17), step_at(kNoon + 1h))); });
    (void)restore(kNoon);
    EXPECT_EQ(open_store(file_)->open_reader()->find_account(name("alice"))->totp->last_step,
              step_at(kNoon + 1h));
}

TEST_F(Restoring, NoSessionLives)
{
    ASSERT_EQ(number(backup_, "SELECT COUNT(*) FROM sessions"), 1);
    (void)restore(kNoon);
    EXPECT_EQ(number(file_, "SELECT COUNT(*) FROM sessions"), 0);
}

TEST_F(Restoring, WhatThePresentOneHoldsAgainstAnAccountIsHeldOnTo)
{
    add(*open_store(file_), "carol", 19);
    transact(*open_store(file_), [](auth::Transaction& t) {
        t.count_code_failure(auth::UserId(17));
        t.count_code_failure(auth::UserId(17));
        t.set_state(t.find_account(name("alice")).value(), auth::AccountState::disabled);
        t.append_audit({.at = kNoon,
                        .event = "user.remove",
                        .outcome = "done",
                        .reason = "bob",
                        .user = auth::UserId(18)});
        t.remove_account(t.find_account(name("bob")).value());
    });
    const auto done = restore(kNoon);
    EXPECT_THAT(done.held.disabled.names, testing::ElementsAre("alice", "bob"));
    EXPECT_EQ(done.held.disabled.count, 2U);
    EXPECT_EQ(done.held.unenrolled.count, 0U);
    EXPECT_EQ(done.held.stale.count, 0U);
    const auto reader = open_store(file_)->open_reader();
    EXPECT_EQ(reader->find_account(name("alice"))->totp->failures, 2);
    EXPECT_EQ(reader->find_account(name("alice"))->state, auth::AccountState::disabled);
    EXPECT_EQ(reader->find_account(name("bob"))->state, auth::AccountState::disabled) << "removed since";
    EXPECT_FALSE(reader->find_account(name("carol"))) << "as at the backup";
}

TEST_F(Restoring, AKeyThatWasTakenAwayIsNotBack)
{
    transact(*open_store(file_),
             [](auth::Transaction& t) { t.remove_totp(t.find_account(name("alice")).value()); });
    const auto done = restore(kNoon);
    EXPECT_THAT(done.held.unenrolled.names, testing::ElementsAre("alice"));
    const auto reader = open_store(file_)->open_reader();
    EXPECT_FALSE(reader->find_account(name("alice"))->totp);
    EXPECT_TRUE(reader->find_account(name("bob"))->totp);
}

TEST_F(Restoring, WhatWasDisabledIsSoAfterTwoRestores)
{
    const auto older = directory_ / "older";
    fs::copy_file(backup_, older);
    add(*open_store(file_), "carol", 19);
    fs::remove(backup_);
    make_backup();
    transact(*open_store(file_), [](auth::Transaction& t) {
        t.set_state(t.find_account(name("carol")).value(), auth::AccountState::disabled);
    });
    const auto newer = backup_;
    backup_ = older;
    (void)restore(kNoon);
    backup_ = newer;
    const auto done = restore(kNoon);
    EXPECT_THAT(done.held.disabled.names, testing::ElementsAre("carol"));
    EXPECT_EQ(open_store(file_)->open_reader()->find_account(name("carol"))->state,
              auth::AccountState::disabled);
}

TEST_F(Restoring, ANewerDatabaseIsNotReplacedUnread)
{
    change(file_, "UPDATE installation SET schema_version = 99");
    EXPECT_THAT(refusal([&] { (void)restore(kNoon); }), HasSubstr("move that database away"));
    EXPECT_EQ(number(file_, "SELECT schema_version FROM installation"), 99);
}

TEST_F(Restoring, WhoseCredentialsAreOldAgainIsTold)
{
    transact(*open_store(file_), [](auth::Transaction& t) {
        t.set_password(t.find_account(name("alice")).value(), Secret::copy_of("another"), kNoon + 1min);
        t.set_totp(t.find_account(name("bob")).value(), Secret::copy_of("another"), {}, kNoon + 1min);
    });
    EXPECT_THAT(restore(kNoon).held.stale.names, testing::ElementsAre("alice", "bob"));
}

TEST_F(Restoring, TheAuditGoesOnAndTells)
{
    auth::AuditMark replaced;
    transact(*open_store(file_), [&](auth::Transaction& t) {
        replaced = t.append_audit({.at = kNoon, .event = "since", .outcome = "done"});
    });
    const auto done = restore(kNoon + 1h);
    transact(*open_store(file_), [](auth::Transaction& t) {
        t.append_audit({.at = kNoon + 2h, .event = "afterwards", .outcome = "done"});
    });
    const auto keys = read_kept_keys(file_, only('k'));
    auth::AuditVerifier verifier(keys.chain, std::nullopt, keys.earlier);
    const auto store = open_store(file_);
    const auto head =
        store->open_reader()->read_audit([&](const auth::AuditEntry& entry) { return verifier.take(entry); });
    const auto findings = verifier.finish(head);
    EXPECT_FALSE(findings.fault) << findings.fault->what;
    ASSERT_TRUE(findings.restored);
    EXPECT_EQ(findings.restored->mark.id, done.backup.last.id + 1);
    EXPECT_EQ(findings.restored->record.reason, "instead of " + to_text(replaced));
}

TEST_F(Restoring, TheReplacedOneIsKeptWhole)
{
    transact(*open_store(file_), [](auth::Transaction& t) {
        t.append_audit({.at = kNoon, .event = "since", .outcome = "done"});
    });
    const auto kept = restore(kNoon).kept;
    ASSERT_TRUE(kept);
    EXPECT_EQ(number(*kept, "SELECT COUNT(*) FROM audit WHERE event = 'since'"), 1);
    EXPECT_EQ(number(file_, "SELECT COUNT(*) FROM audit WHERE event = 'since'"), 0);
    const auto second = restore(kNoon).kept;
    ASSERT_TRUE(second);
    EXPECT_NE(*kept, *second);
}

TEST_F(Restoring, WhereThereIsNoneItIsMade)
{
    fs::remove(file_);
    const auto done = restore(kNoon);
    EXPECT_FALSE(done.kept);
    EXPECT_EQ(done.replaced.state, Replaced::State::missing);
    EXPECT_TRUE(open_store(file_, IfMissing::refuse)->open_reader()->find_account(name("alice")));
}

TEST_F(Restoring, ADamagedOneIsReplacedAndKept)
{
    const std::string damage(8192, 'x');
    std::ofstream(file_, std::ios::trunc) << damage;
    std::ofstream(file_.string() + "-wal") << "its log";
    const auto done = restore(kNoon);
    EXPECT_EQ(done.replaced.state, Replaced::State::damaged);
    ASSERT_TRUE(done.kept);
    EXPECT_EQ(content(*done.kept), damage);
    EXPECT_FALSE(fs::exists(file_.string() + "-wal")) << "it would be taken for the new one's";
    EXPECT_TRUE(open_store(file_, IfMissing::refuse)->open_reader()->find_account(name("alice")));
}

TEST_F(Restoring, NothingIsLeftOfACopyThatWasRefused)
{
    const auto before = content(file_);
    change(backup_, "PRAGMA application_id = 7");
    EXPECT_NE(refusal([&] { (void)restore(kNoon); }), "none");
    EXPECT_EQ(content(file_), before);
    EXPECT_EQ(std::distance(fs::directory_iterator(directory_.path()), {}), 2);
}

TEST_F(Restoring, WhatAKilledOneHasLeftIsNotTakenForTheNext)
{
    std::ofstream(file_.string() + ".restoring") << "half a copy";
    std::ofstream(file_.string() + ".restoring-wal") << "and its log";
    EXPECT_EQ(refusal([&] { (void)restore(kNoon); }), "none");
    EXPECT_TRUE(open_store(file_, IfMissing::refuse)->open_reader()->find_account(name("alice")));
}

TEST_F(Restoring, ADatabaseThatSomebodyHasOpenIsLeftAlone)
{
    SQLite::Database other(file_.string(), SQLite::OPEN_READWRITE);
    (void)other.execAndGet("SELECT COUNT(*) FROM users").getInt();
    other.exec("PRAGMA journal_mode = WAL");
    SQLite::Statement reading(other, "SELECT * FROM users");
    ASSERT_TRUE(reading.executeStep());
    EXPECT_THAT(refusal([&] { (void)restore(kNoon); }), HasSubstr("locked"));
    EXPECT_EQ(number(file_, "SELECT COUNT(*) FROM sessions"), 1);
}

struct RefusedBackup {
    const char* name;
    std::function<void(const fs::path&)> spoil;
    const char* says;
};

class Refused : public Restoring, public testing::WithParamInterface<RefusedBackup> {};

TEST_P(Refused, AndNothingIsChanged)
{
    GetParam().spoil(backup_);
    const auto before = content(file_);
    const auto said = refusal([&] { (void)restore(kNoon); });
    EXPECT_THAT(said, HasSubstr(GetParam().says));
    EXPECT_THAT(said, HasSubstr(backup_.string())) << "the file that the operator named";
    EXPECT_EQ(content(file_), before);
}

void run_sql(const fs::path& file, const char* sql)
{
    SQLite::Database(file.string(), SQLite::OPEN_READWRITE).exec(sql);
}

/// Octets in the middle of the file, from a page's header on.
void scribble(const fs::path& file)
{
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    for (std::streamoff page = 4096; page < static_cast<std::streamoff>(fs::file_size(file)); page += 8192) {
        stream.seekp(page);
        stream << std::string(600, '\xFF');
    }
}

INSTANTIATE_TEST_SUITE_P(
    Backups, Refused,
    testing::Values(
        RefusedBackup{"Empty", [](const fs::path& f) { fs::resize_file(f, 0); }, "it is empty"},
        RefusedBackup{"Text",
                      [](const fs::path& f) { std::ofstream(f, std::ios::trunc) << std::string(9000, 'a'); },
                      "it is not a database"},
        RefusedBackup{"Truncated", [](const fs::path& f) { fs::resize_file(f, fs::file_size(f) / 2); },
                      "damaged"},
        RefusedBackup{"LastPageMissing",
                      [](const fs::path& f) { fs::resize_file(f, fs::file_size(f) - 4096); }, "damaged"},
        RefusedBackup{"Scribbled", scribble, "damaged"},
        RefusedBackup{"AnotherPrograms", [](const fs::path& f) { run_sql(f, "PRAGMA application_id = 7"); },
                      "another program's database"},
        RefusedBackup{"AnotherTrigger",
                      [](const fs::path& f) {
                          run_sql(f,
                                  "DROP TRIGGER token_ends_with_its_session;"
                                  "CREATE TRIGGER token_ends_with_its_session AFTER DELETE ON sessions"
                                  " BEGIN UPDATE totp SET failures = 0; END");
                      },
                      "it has other tables or triggers than ours"},
        RefusedBackup{"Newer",
                      [](const fs::path& f) { run_sql(f, "UPDATE installation SET schema_version = 99"); },
                      "newer"},
        RefusedBackup{"AnotherKey",
                      [](const fs::path& f) { run_sql(f, "UPDATE installation SET key_id = key_id + 1"); },
                      "it is under the master key"},
        RefusedBackup{
            "KeyCheckAltered",
            [](const fs::path& f) { run_sql(f, "UPDATE installation SET key_check = zeroblob(48)"); }, ""},
        RefusedBackup{"InTheMiddleOfARotation",
                      [](const fs::path& f) { run_sql(f, "UPDATE installation SET retiring_key_id = 7"); },
                      "needs the key 00000007 too"},
        RefusedBackup{"WithoutInstallation",
                      [](const fs::path& f) { run_sql(f, "DELETE FROM installation"); }, "no schema version"},
        RefusedBackup{"WithATriggerMore",
                      [](const fs::path& f) {
                          run_sql(f,
                                  "CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM failures; END");
                      },
                      "other tables or triggers"},
        RefusedBackup{"WithATriggerLess",
                      [](const fs::path& f) { run_sql(f, "DROP TRIGGER totp_last_step_only_grows"); },
                      "other tables or triggers"},
        RefusedBackup{
            "WithAForgedEnd",
            [](const fs::path& f) {
                run_sql(f,
                        "DROP TRIGGER audit_head_only_grows; UPDATE audit_head SET last_mac = zeroblob(32);"
                        "CREATE TRIGGER audit_head_only_grows BEFORE UPDATE ON audit_head"
                        " WHEN new.last_id <= old.last_id BEGIN SELECT RAISE(ABORT, 'the audit only grows'); "
                        "END");
            },
            "tampered with"},
        RefusedBackup{"WithARowOfNobodys",
                      [](const fs::path& f) {
                          run_sql(f, "PRAGMA foreign_keys = OFF; UPDATE users SET id = 99 WHERE id = 17");
                      },
                      "refers to nothing"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Restoring, AnotherMasterKeyIsNamed)
{
    const auto said = refusal([&] { (void)restore(kNoon, 'l'); });
    EXPECT_THAT(said, HasSubstr(auth::key_id_text(master_key('k').id())));
    EXPECT_THAT(said, HasSubstr(auth::key_id_text(master_key('l').id())));
}

}  // namespace
}  // namespace securelogin::store
