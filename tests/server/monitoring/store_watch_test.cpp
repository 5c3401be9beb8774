#include "server/store_watch.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.hpp"
#include "tests/support/memory_store.hpp"

namespace securelogin {
namespace {

using namespace std::chrono_literals;
using support::kNoon;

class StoreWatchTest : public testing::Test {
  protected:
    auth::AuditMark append()
    {
        auth::AuditMark mark;
        auth::transact(store_, [&](auth::Transaction& transaction) {
            mark = transaction.append_audit({.at = kNoon, .event = "login", .outcome = "refused"});
        });
        return mark;
    }
    void fail(std::uint8_t name, auth::Time wait_until)
    {
        auth::NameKey key{};
        key.fill(name);
        auth::transact(store_, [&](auth::Transaction& transaction) {
            transaction.save_failures(key, auth::Source::from_address("192.0.2.1"),
                                      {.password = 5, .wait_until = wait_until}, clock_.now());
        });
    }

    support::MemoryStore store_;
    support::FakeClock clock_;
    boost::asio::io_context control_;
    auth::Policy policy_{.waits = {.longest_wait = 60s}};
    StoreWatch watch_{control_, store_, clock_, policy_};
};

TEST_F(StoreWatchTest, SeesWhatThereWasWhenItLooked)
{
    fail(1, kNoon + 10s);
    append();
    EXPECT_EQ(watch_.seen().state.waits, 0U);
    watch_.look();
    EXPECT_EQ(watch_.seen().state.waits, 1U);
    EXPECT_EQ(watch_.seen().state.last_audit, 1);
}

TEST_F(StoreWatchTest, ACheckpointVouchesForWhatIsBeforeIt)
{
    append();
    watch_.checkpoint_written(append());
    watch_.look();
    EXPECT_EQ(watch_.seen().records_since_checkpoint, 0);
    append();
    append();
    watch_.look();
    EXPECT_EQ(watch_.seen().records_since_checkpoint, 2);
}

TEST_F(StoreWatchTest, AReloadedPolicyCounts)
{
    fail(1, kNoon + 100s);
    clock_.advance(61s);
    watch_.look();
    EXPECT_EQ(watch_.seen().state.waits, 0U) << "no wait is that long";
    policy_.waits.longest_wait = 100s;
    watch_.set_policy(policy_);
    watch_.look();
    EXPECT_EQ(watch_.seen().state.waits, 1U);
}

TEST_F(StoreWatchTest, WhatCannotBeReadStaysAsItWas)
{
    fail(1, kNoon + 10s);
    watch_.look();
    store_.fail_reads(true);
    fail(2, kNoon + 10s);
    watch_.look();
    EXPECT_EQ(watch_.seen().state.waits, 1U);
    EXPECT_EQ(watch_.trouble(), "the database cannot be read: see the log");
    store_.fail_reads(false);
    watch_.look();
    EXPECT_EQ(watch_.seen().state.waits, 2U);
    EXPECT_EQ(watch_.trouble(), "");
}

}  // namespace
}  // namespace securelogin
