// Whether anything has been committed since, told without asking SQLite.
#include <SQLiteCpp/Transaction.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include "server/store/wal_index.hpp"
#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

class WalIndexTest : public testing::Test {
  protected:
    explicit WalIndexTest(const char* mode = "wal")
    {
        writer_.exec(std::string("PRAGMA journal_mode = ") + mode + "; CREATE TABLE t (x)");
        reader_.execAndGet("SELECT count(*) FROM t");
        index_ = WalIndex::of(reader_);
    }
    [[nodiscard]] std::string file() const { return (directory_.path() / "db").string(); }
    static void write(SQLite::Database& database) { database.exec("INSERT INTO t VALUES (1)"); }

    const int use_ = SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE;
    support::TemporaryDirectory directory_;
    SQLite::Database writer_{file(), use_};
    SQLite::Database reader_{file(), use_};
    std::optional<WalIndex> index_;
};

TEST_F(WalIndexTest, StaysTheSameWhereNothingIsCommitted)
{
    ASSERT_TRUE(index_);
    const auto before = index_->head();
    ASSERT_TRUE(before);
    {
        SQLite::Transaction undone(writer_);
        write(writer_);
        reader_.execAndGet("SELECT count(*) FROM t");
    }
    EXPECT_EQ(before, index_->head());
}

TEST_F(WalIndexTest, EveryCommitChangesIt)
{
    ASSERT_TRUE(index_);
    auto before = index_->head();
    for (int i = 0; i < 1000; ++i) {
        write(writer_);
        const auto after = index_->head();
        ASSERT_TRUE(after);
        ASSERT_NE(before, after);
        before = after;
    }
}

TEST_F(WalIndexTest, ACommitAfterACheckpointChangesIt)
{
    ASSERT_TRUE(index_);
    write(writer_);
    const auto before = index_->head();
    for (const auto* how : {"PASSIVE", "FULL", "RESTART", "TRUNCATE"}) {
        writer_.execAndGet(std::string("PRAGMA wal_checkpoint(") + how + ")");
        write(writer_);
        EXPECT_NE(before, index_->head()) << how;
    }
}

TEST_F(WalIndexTest, ACommitOfAnotherProcessChangesIt)
{
    ASSERT_TRUE(index_);
    const auto before = index_->head();
    // A connection is not to be used in a child: it opens one of its own.
    OtherProcess other([this] {
        SQLite::Database database(file(), use_);
        write(database);
    });
    ASSERT_TRUE(other.wait());
    EXPECT_NE(before, index_->head());
}

TEST_F(WalIndexTest, ThereIsNoneWhileTheHeadsDiffer)
{
    ASSERT_TRUE(index_);
    sqlite3_file* shared = nullptr;
    void volatile* block = nullptr;
    ASSERT_EQ(SQLITE_OK,
              sqlite3_file_control(writer_.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &shared));
    ASSERT_EQ(SQLITE_OK, shared->pMethods->xShmMap(shared, 0, 32768, 0, &block));
    constexpr int change_counter = 8;  // of the first head; the second is 48 octets behind it
    auto* const octet = static_cast<char volatile*>(block) + 48 + change_counter;
    *octet = static_cast<char>(*octet + 1);
    EXPECT_FALSE(index_->head());
    // SQLite mends it.
    reader_.execAndGet("SELECT count(*) FROM t");
    EXPECT_TRUE(index_->head());
}

class RollbackJournalTest : public WalIndexTest {
  protected:
    RollbackJournalTest() : WalIndexTest("delete") {}
};

TEST_F(RollbackJournalTest, HasNoneAndIsGivenNone)
{
    EXPECT_FALSE(index_);
    EXPECT_FALSE(std::filesystem::exists(file() + "-shm"));
}

}  // namespace
}  // namespace securelogin::store
