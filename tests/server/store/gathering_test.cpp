// Commits that are put off under load, so that more share them.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "server/store/metrics.hpp"
#include "server/store/sqlite_store.hpp"
#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

using namespace std::chrono_literals;

constexpr int kLoad = 40;  // pieces of work at once: more than a server that is not under load has

class GatheringTest : public testing::Test {
  protected:
    std::unique_ptr<auth::Store> open(std::chrono::milliseconds gather)
    {
        return open_sqlite_store(directory_.path() / "securelogin.db", master_key(),
                                 {.if_missing = IfMissing::make, .gather = gather, .metrics = &metrics_});
    }
    [[nodiscard]] std::uint64_t commits() const
    {
        std::uint64_t all = 0;
        for (std::size_t range = 0; range <= metrics_.batch.bounds().size(); ++range)
            all += metrics_.batch.in_range(range);
        return all;
    }
    /// Submits them one after the other, without waiting for any, and then waits for all.
    static void submit(auth::Store& store, int count)
    {
        std::latch answered(count);
        for (int i = 0; i < count; ++i) {
            store.submit([](auth::Transaction&) {},
                         [&](const std::exception_ptr&) { answered.count_down(); });
        }
        answered.wait();
    }
    /// In one commit.
    static void load(auth::Store& store)
    {
        std::latch waiting(1);
        store.submit([&](auth::Transaction&) { waiting.wait(); }, [](const std::exception_ptr&) {});
        std::latch answered(kLoad);
        for (int i = 0; i < kLoad; ++i) {
            store.submit([](auth::Transaction&) {},
                         [&](const std::exception_ptr&) { answered.count_down(); });
        }
        waiting.count_down();
        answered.wait();
    }

    support::TemporaryDirectory directory_;
    Metrics metrics_;
};

TEST_F(GatheringTest, OneAloneNeverWaits)
{
    const auto store = open(1h);
    for (int i = 0; i < 8; ++i) submit(*store, 1);
    EXPECT_EQ(commits(), 8U);
}

TEST_F(GatheringTest, UnderLoadWhatComesMeanwhileSharesACommit)
{
    const auto store = open(2s);
    load(*store);
    const auto before = commits();
    submit(*store, 10);
    EXPECT_EQ(commits() - before, 1U);
}

TEST_F(GatheringTest, WithoutItNothingIsPutOff)
{
    const auto store = open(0ms);
    load(*store);
    for (int i = 0; i < 8; ++i) submit(*store, 1);
    EXPECT_GE(commits(), 8U);
}

TEST_F(GatheringTest, TheEndDoesNotWait)
{
    std::atomic<int> answered = 0;
    {
        const auto store = open(1h);
        load(*store);
        for (int i = 0; i < 3; ++i) {
            store->submit([](auth::Transaction&) {}, [&](const std::exception_ptr&) { ++answered; });
        }
    }
    EXPECT_EQ(answered, 3);
}

}  // namespace
}  // namespace securelogin::store
