// Opening what is there, what is not, and what should not be.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "server/store/migrations.hpp"
#include "tests/server/store/faulty_disk.hpp"
#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr uid_t kNobody = 65534;

void write(const fs::path& file, std::string_view text) { std::ofstream(file) << text; }

void make(const fs::path& file) { add(*open_store(file), "alice", 17); }

void change(const fs::path& file, const std::string& sql)
{
    SQLite::Database(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(sql);
}

unsigned mode(const fs::path& file)
{
    struct stat status{};
    return ::stat(file.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

/// What `action` is refused with when somebody without any rights of root's does it.
std::string refusal_of_nobody(const std::function<void()>& action)
{
    Pipe said;
    OtherProcess nobody([&] {
        if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0)
            throw std::runtime_error("setresuid");
        said.write(refusal(action));
    });
    said.close_write();
    return said.read_all();
}

class Opening : public testing::Test {
  protected:
    support::TemporaryDirectory directory_;
    fs::path file_ = directory_ / "securelogin.db";
};

TEST_F(Opening, WhatWasKeptIsThereAgain)
{
    make(file_);
    for (const auto if_missing : {IfMissing::make, IfMissing::refuse}) {
        const auto store = open_store(file_, if_missing);
        EXPECT_EQ(store->open_reader()->find_password(name("alice"))->phc.view(), "hash-of-alice");
    }
}

TEST_F(Opening, ANewDatabaseHasTheNewestSchema)
{
    make(file_);
    EXPECT_EQ(open_store(file_)->open_reader()->summary({}, support::kNoon).schema_version, kSchemaVersion);
    EXPECT_EQ(SQLite::Database(file_.string()).execAndGet("PRAGMA application_id").getInt(), 0x534C4442);
}

TEST_F(Opening, AnEmptyFileIsMadeADatabase)
{
    write(file_, "");
    make(file_);
    EXPECT_TRUE(open_store(file_)->open_reader()->find_account(name("alice")));
}

TEST_F(Opening, NobodyElseMayReadTheFiles)
{
    const auto before = ::umask(0);
    const auto store = open_store(file_);
    add(*store, "alice", 17);
    ::umask(before);
    for (const auto* const suffix : {"", "-wal", "-shm"}) {
        EXPECT_EQ(mode(file_.string() + suffix), 0600U) << suffix;
    }
}

TEST_F(Opening, DurableAndInWal)
{
    make(file_);
    EXPECT_EQ(SQLite::Database(file_.string()).execAndGet("PRAGMA journal_mode").getString(), "wal");
}

TEST_F(Opening, ALinkOfOurOwnIsFollowed)
{
    make(directory_ / "elsewhere.db");
    fs::create_symlink(directory_ / "elsewhere.db", file_);
    EXPECT_TRUE(open_store(file_)->open_reader()->find_account(name("alice")));
}

TEST_F(Opening, ManyProcessesMakeItAtOnce)
{
    constexpr int kRounds = 10;
    constexpr int kProcesses = 6;
    for (int round = 0; round < kRounds; ++round) {
        const auto file = directory_ / ("fresh" + std::to_string(round));
        const Pipe start;
        Pipe said;
        std::vector<std::unique_ptr<OtherProcess>> processes;
        for (int i = 0; i < kProcesses; ++i) {
            processes.push_back(std::make_unique<OtherProcess>([&, i] {
                (void)start.read(1);
                const auto outcome = refusal([&] { add(*open_store(file), "user" + std::to_string(i), i); });
                if (outcome != "none") said.write(outcome + "\n");
            }));
        }
        said.close_write();
        start.write(std::string(kProcesses, '!'));
        EXPECT_EQ(said.read_all(), "");
        for (const auto& process : processes) EXPECT_TRUE(process->wait());
        EXPECT_EQ(open_store(file)->open_reader()->summary({}, support::kNoon).users,
                  std::size_t{kProcesses});
    }
}

// What must not be opened.  Each message names the file and the remedy.

struct BadFile {
    std::string name;
    void (*prepare)(const fs::path& file);
    IfMissing if_missing;
    std::string why;
    std::string remedy;
};

class OpeningRefuses : public Opening, public testing::WithParamInterface<BadFile> {};

TEST_P(OpeningRefuses, NamingFileReasonAndRemedy)
{
    const auto& row = GetParam();
    row.prepare(file_);
    const auto said = refusal([&] { (void)open_store(file_, row.if_missing); });
    EXPECT_THAT(said,
                AllOf(HasSubstr(" " + file_.string() + ": "), HasSubstr(row.why), EndsWith(row.remedy)));
    EXPECT_EQ(std::ranges::count(said, '\n'), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Files, OpeningRefuses,
    testing::Values(
        BadFile{"Missing", [](const fs::path&) {}, IfMissing::refuse, "there is no database",
                "or add the first user to make one"},
        BadFile{"Empty", [](const fs::path& file) { write(file, ""); }, IfMissing::refuse,
                "there is no database", "or add the first user to make one"},
        BadFile{"ALongText", [](const fs::path& file) { write(file, std::string(10000, 'x')); },
                IfMissing::make, "it is not a database", "put the right file or a backup in its place"},
        BadFile{"AShortText", [](const fs::path& file) { write(file, "hello\n"); }, IfMissing::make,
                "it is not a database", "put the right file or a backup in its place"},
        BadFile{"AnotherProgramsById",
                [](const fs::path& file) { change(file, "PRAGMA application_id = 7; CREATE TABLE t (a)"); },
                IfMissing::make, "it is another program's database", "or move this one away"},
        BadFile{"AnotherProgramsWithoutId", [](const fs::path& file) { change(file, "CREATE TABLE t (a)"); },
                IfMissing::make, "it is another program's database", "or move this one away"},
        BadFile{"ANewerSchema",
                [](const fs::path& file) {
                    make(file);
                    change(file, "UPDATE installation SET schema_version = 999");
                },
                IfMissing::make, "schema version 999, newer than ", "upgrade the program"},
        BadFile{"AnotherKey",
                [](const fs::path& file) {
                    (void)open_sqlite_store(file, master_key('l'), {.if_missing = IfMissing::make});
                },
                IfMissing::make, "made under another master key",
                "put the master.key that belongs to it in its place"},
        BadFile{"AForgedKeyId",
                [](const fs::path& file) {
                    (void)open_sqlite_store(file, master_key('l'), {.if_missing = IfMissing::make});
                    change(file, "UPDATE installation SET key_id = " + std::to_string(master_key().id()));
                },
                IfMissing::make, "sealed under another master key", "restore the database from a backup"},
        BadFile{"NoInstallation",
                [](const fs::path& file) {
                    make(file);
                    change(file, "DELETE FROM installation");
                },
                IfMissing::make, "it has no schema version", "restore it from a backup"},
        BadFile{"CutOff",
                [](const fs::path& file) {
                    make(file);
                    fs::resize_file(file, 5000);
                },
                IfMissing::make, "it is damaged", "restore it from a backup"},
        BadFile{"ADirectory", [](const fs::path& file) { fs::create_directory(file); }, IfMissing::make,
                "it is not a file", "move it away, or name another one"},
        BadFile{"APipe", [](const fs::path& file) { ::mkfifo(file.c_str(), 0600); }, IfMissing::make,
                "it is not a file", "move it away, or name another one"},
        BadFile{"ADanglingLink", [](const fs::path& file) { fs::create_symlink("nowhere", file); },
                IfMissing::make, "No such file or directory", "who may read its directories"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Opening, ARefusedFileIsLeftAsItWas)
{
    change(file_, "CREATE TABLE t (a)");
    EXPECT_NE(refusal([&] { (void)open_store(file_); }), "none");
    EXPECT_EQ(SQLite::Database(file_.string()).execAndGet("PRAGMA journal_mode").getString(), "delete");
}

TEST_F(Opening, WithoutADirectoryThereIsNoDatabase)
{
    const auto file = directory_ / "none" / "securelogin.db";
    EXPECT_THAT(refusal([&] { (void)open_store(file); }),
                AllOf(StartsWith("making " + file.string() + ": No such file or directory"),
                      EndsWith("let this user write to its directory")));
}

TEST_F(Opening, AnotherUsersLinkIsRefused)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's link";
    make(directory_ / "elsewhere.db");
    fs::create_symlink(directory_ / "elsewhere.db", file_);
    ASSERT_EQ(::lchown(file_.c_str(), kNobody, kNobody), 0);
    EXPECT_THAT(refusal([&] { (void)open_store(file_); }),
                HasSubstr("another user's symbolic link: remove it"));
}

/// Who has no rights to what, as far as SQLite is concerned: modes bind everybody but root.
class OpeningAsNobody : public Opening {
  protected:
    void SetUp() override
    {
        make(file_);
        if (::geteuid() != 0) return;
        ASSERT_EQ(::chown(file_.c_str(), kNobody, kNobody), 0);
    }
    void TearDown() override { allow(directory_.path(), 0700); }
    static void allow(const fs::path& path, unsigned mode)
    {
        fs::permissions(path, static_cast<fs::perms>(mode));
    }
    std::string opened_by_nobody()
    {
        return refusal_of_nobody([&] { add(*open_store(file_), "bob", 18); });
    }
};

TEST_F(OpeningAsNobody, AnUnreadableFile)
{
    allow(directory_.path(), 0777);
    allow(file_, 0);
    EXPECT_THAT(opened_by_nobody(),
                AllOf(HasSubstr(file_.string()),
                      HasSubstr("cannot be opened: let this user read and write the file")));
}

TEST_F(OpeningAsNobody, AReadOnlyFile)
{
    allow(directory_.path(), 0777);
    allow(file_, 0400);
    EXPECT_THAT(opened_by_nobody(), AllOf(HasSubstr(file_.string()),
                                          HasSubstr("it is read-only: let this user write to the file")));
}

TEST_F(OpeningAsNobody, AReadOnlyDirectory)
{
    allow(directory_.path(), 0555);
    EXPECT_THAT(opened_by_nobody(),
                AllOf(HasSubstr(file_.string()), HasSubstr("the directory that it is in")));
}

TEST_F(OpeningAsNobody, AReadOnlyDirectoryWithoutADatabase)
{
    fs::remove(file_);
    allow(directory_.path(), 0555);
    EXPECT_THAT(opened_by_nobody(),
                AllOf(StartsWith("making " + file_.string()),
                      EndsWith("Permission denied: let this user write to its directory")));
}

TEST_F(OpeningAsNobody, ADirectoryThatMayNotBeEntered)
{
    allow(directory_.path(), 0);
    EXPECT_THAT(opened_by_nobody(), AllOf(HasSubstr(file_.string()), HasSubstr("Permission denied")));
}

TEST_F(Opening, AFullDiskLeavesAFileThatOpensWhenThereIsSpace)
{
    FaultyDisk disk;
    disk.fail_with(ENOSPC);
    EXPECT_THAT(refusal([&] { make(file_); }),
                HasSubstr("the disk is full: free some space on its file system"));
    disk.fail_with(0);
    make(file_);
}

TEST_F(Opening, ALockedDatabaseNamesWhoHasIt)
{
    make(file_);
    Pipe ready;
    const OtherProcess holder([&] {
        SQLite::Database database(file_.string(), SQLite::OPEN_READWRITE);
        database.exec(
            "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE users SET state = 'disabled';");
        ready.write("!");
        for (;;) ::pause();
    });
    ASSERT_EQ(ready.read(1), "!");
    EXPECT_THAT(refusal([&] { (void)open_store(file_, IfMissing::refuse, 50ms); }),
                AllOf(HasSubstr(file_.string() + ": it is locked by process " + std::to_string(holder.id())),
                      EndsWith("wait until that is done with it, or end it")));
}

}  // namespace
}  // namespace securelogin::store
