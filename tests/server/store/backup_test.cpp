// Copies that are made while others write.
#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Database.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sys/resource.h>
#include <array>
#include <csignal>
#include <string>

#include "server/descriptor.hpp"
#include "server/store/backup.hpp"
#include "server/store/migrations.hpp"
#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

using testing::HasSubstr;

constexpr int kUsers = 300;

class Backups : public testing::Test {
  protected:
    void SetUp() override
    {
        store_ = open_store(file_);
        auth::transact(*store_, [](auth::Transaction& transaction) {
            for (int i = 0; i < kUsers; ++i) {
                if (!transaction.add_account(new_account("user" + std::to_string(i), i + 1)))
                    throw std::runtime_error("the name is taken");
            }
        });
    }

    BackedUp back_up_to(const std::filesystem::path& copy, const std::function<void()>& meanwhile = [] {})
    {
        const Descriptor descriptor(::open(copy.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        return back_up(file_, descriptor.get(), copy, [&](std::int64_t, std::int64_t) { meanwhile(); },
                       {.pages_per_step = 1, .pause_per_work = 0});
    }
    static int number(const std::filesystem::path& file, const char* query)
    {
        return SQLite::Database(file.string()).execAndGet(query).getInt();
    }

    support::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_ / "securelogin.db";
    std::filesystem::path copy_ = directory_ / "copy.db";
    std::unique_ptr<auth::Store> store_;
};

TEST_F(Backups, ACopyIsWholeAndOpensUnderTheSameKey)
{
    const auto made = back_up_to(copy_);
    EXPECT_EQ(made.schema_version, kSchemaVersion);
    EXPECT_EQ(made.key_id, master_key().id());
    EXPECT_FALSE(made.retiring_key_id);
    EXPECT_EQ(static_cast<std::uintmax_t>(made.octets), std::filesystem::file_size(copy_));
    EXPECT_EQ(SQLite::Database(copy_.string()).execAndGet("PRAGMA integrity_check").getString(), "ok");
    EXPECT_EQ(open_store(copy_, IfMissing::refuse)->open_reader()->find_password(name("user7"))->phc.view(),
              "hash-of-user7");
}

TEST_F(Backups, ItIsOneFileThatNeedsNoOther)
{
    (void)back_up_to(copy_);
    EXPECT_EQ(SQLite::Database(copy_.string()).execAndGet("PRAGMA journal_mode").getString(), "delete");
    for (const auto* const suffix : {"-wal", "-shm", "-journal"})
        EXPECT_FALSE(std::filesystem::exists(copy_.string() + suffix)) << suffix;
}

TEST_F(Backups, WhatIsWrittenMeanwhileIsNotInItAndIsNotHeldUp)
{
    int added = 0;
    (void)back_up_to(copy_, [&] {
        if (added < 20) add(*store_, "late" + std::to_string(added), 1000 + added);
        ++added;
    });
    EXPECT_GT(added, 20) << "it has to take some steps";
    EXPECT_EQ(number(copy_, "SELECT COUNT(*) FROM users"), kUsers);
    EXPECT_EQ(number(file_, "SELECT COUNT(*) FROM users"), kUsers + 20);
    EXPECT_EQ(SQLite::Database(copy_.string()).execAndGet("PRAGMA integrity_check").getString(), "ok");
}

TEST_F(Backups, WhatAnotherProcessWritesMeanwhileDoesNotBeginItAnew)
{
    int steps = 0;
    SQLite::Database other(file_.string(), SQLite::OPEN_READWRITE, 10000);
    (void)back_up_to(copy_, [&] {
        if (++steps < 40) other.exec("UPDATE users SET created_at = created_at + 1");
        ASSERT_LT(steps, 2000) << "it never ends";
    });
    EXPECT_EQ(number(copy_, "SELECT COUNT(DISTINCT created_at) FROM users"), 1) << "of one moment";
}

TEST_F(Backups, AFullDiskIsSaid)
{
    OtherProcess limited([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{.rlim_cur = 65536, .rlim_max = 65536};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) throw std::runtime_error("setrlimit");
        const auto said = refusal([&] {
            const Descriptor descriptor(::open(copy_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
            (void)back_up(file_, descriptor.get(), copy_, [](std::int64_t, std::int64_t) {});
        });
        if (said.find(copy_.string()) == std::string::npos) throw std::runtime_error(said);
    });
    EXPECT_TRUE(limited.wait());
}

TEST_F(Backups, AnotherProgramsDatabaseIsRefused)
{
    const auto other = directory_ / "other.db";
    SQLite::Database(other.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE t (x)");
    file_ = other;
    EXPECT_THAT(refusal([&] { (void)back_up_to(copy_); }), HasSubstr("another program's database"));
}

}  // namespace
}  // namespace securelogin::store
