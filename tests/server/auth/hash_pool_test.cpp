#include "server/auth/hash_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <array>
#include <cstdlib>
#include <latch>
#include <string>
#include <thread>

#include "server/auth/password_hash.hpp"
#include "tests/server/auth/memory_limit.hpp"

namespace securelogin::auth {
namespace {

using Place = HashPool::Place;
constexpr HashParameters kSmall{.memory_kib = 64, .passes = 1, .lanes = 1};  // these tests hash little
constexpr std::size_t kMiB = std::size_t{1} << 20U;

/// Keeps a hash thread busy until it is opened.  Declared, like every latch, before the pool, whose end joins
/// the threads that use it.
class Barrier {
  public:
    /// On a hash thread.
    void hold()
    {
        reached_.count_down();
        open_.wait();
    }
    void wait_until_held() { reached_.wait(); }
    void open() { open_.count_down(); }

  private:
    std::latch reached_{1};
    std::latch open_{1};
};

/// Submits `job` and waits until it has run.
void run_in(HashPool& pool, const std::function<void()>& job)
{
    auto place = pool.reserve();
    ASSERT_TRUE(place);
    std::latch done(1);
    place->submit([&] {
        job();
        done.count_down();
    });
    done.wait();
}

TEST(HashPool, RunsJobsOnItsOwnNicerThreads)
{
    HashPool pool({.threads = 1, .queue = 1}, kSmall);
    std::array<char, 16> name{};
    int niceness = 0;
    run_in(pool, [&] {
        pthread_getname_np(pthread_self(), name.data(), name.size());
        niceness = getpriority(PRIO_PROCESS, 0);
    });
    EXPECT_STREQ(name.data(), "hash/0");
    EXPECT_EQ(niceness, std::min(getpriority(PRIO_PROCESS, 0) + 5, 19));
}

TEST(HashPool, GivesEachThreadAnArena)
{
    std::latch both_run(2);
    HashPool pool({.threads = 2, .queue = 2}, kFloor);
    const auto hash = [] { EXPECT_FALSE(hash_password(Secret::copy_of("password"), kFloor).empty()); };
    std::array<long, 2> faults{};
    std::vector<Place> places;
    for (auto& counted : faults) {
        places.push_back(*pool.reserve());
        places.back().submit([&] {
            hash();  // the first one touches more than its memory
            const auto before = support::page_faults();
            hash();
            counted = support::page_faults() - before;
            both_run.arrive_and_wait();  // so that one thread cannot run both
        });
    }
    both_run.wait();
    EXPECT_THAT(faults, testing::Each(testing::Lt(19 * 256 / 20)));
}

TEST(HashPool, RunsJobsInTheOrderOfTheirSubmission)
{
    Barrier barrier;
    std::latch done(3);
    HashPool pool({.threads = 1, .queue = 4}, kSmall);
    std::vector<int> order;
    auto busy = *pool.reserve();
    auto first_reserved = *pool.reserve();
    auto second_reserved = *pool.reserve();
    auto third_reserved = *pool.reserve();
    const auto job = [&](int number) {
        return [&, number] {
            order.push_back(number);
            done.count_down();
        };
    };
    busy.submit([&] { barrier.hold(); });
    barrier.wait_until_held();
    third_reserved.submit(job(1));
    first_reserved.submit(job(2));
    second_reserved.submit(job(3));
    barrier.open();
    done.wait();
    EXPECT_THAT(order, testing::ElementsAre(1, 2, 3));
}

TEST(HashPool, TellsAtOnceWhenItIsFull)
{
    HashPool pool({.threads = 1, .queue = 2}, kSmall);
    auto first = pool.reserve();
    auto second = pool.reserve();
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
    EXPECT_EQ(pool.taken(), 2U);
    EXPECT_FALSE(pool.reserve());
    EXPECT_EQ(pool.taken(), 2U);
    first.reset();
    EXPECT_EQ(pool.taken(), 1U);
    EXPECT_TRUE(pool.reserve());
}

TEST(HashPool, GivesAPlaceToWhoHasABetterClaim)
{
    Barrier barrier;
    std::latch done(1);
    HashPool pool({.threads = 1, .queue = 2}, kSmall);
    auto busy = *pool.reserve();
    busy.submit([&] { barrier.hold(); });
    barrier.wait_until_held();

    std::string happened;
    auto stranger = *pool.reserve({.standing = Standing::stranger, .source = "a"});
    stranger.submit({.run = [&] { happened += "ran"; }, .displaced = [&] { happened += "displaced"; }});
    EXPECT_FALSE(pool.reserve({.standing = Standing::stranger, .source = "b"})) << "no better claim";
    EXPECT_EQ(happened, "");

    auto known = pool.reserve({.standing = Standing::known_source, .source = "b"});
    ASSERT_TRUE(known);
    EXPECT_EQ(happened, "displaced");
    EXPECT_EQ(pool.taken(), 2U);
    known->submit([&] {
        happened += ", the other ran";
        done.count_down();
    });
    barrier.open();
    done.wait();
    EXPECT_EQ(happened, "displaced, the other ran");
}

TEST(HashPool, HasFewerPlacesWhenHashesAreSlow)
{
    HashPool pool({.threads = 1, .queue = 100, .longest_wait = std::chrono::milliseconds(50)}, kSmall);
    EXPECT_EQ(pool.places(), 100U);
    run_in(pool, [] { std::this_thread::sleep_for(std::chrono::milliseconds(25)); });  // a slow hash
    while (pool.taken() > 0) std::this_thread::yield();
    EXPECT_LE(pool.places(), 2U);
    EXPECT_GE(pool.places(), 2U) << "one that waits for each thread, whatever the speed";
}

TEST(HashPool, DropsAJobWhosePlaceIsGoneBeforeItStarts)
{
    Barrier barrier;
    std::latch done(1);
    HashPool pool({.threads = 1, .queue = 3}, kSmall);
    auto busy = *pool.reserve();
    busy.submit([&] { barrier.hold(); });
    barrier.wait_until_held();

    bool dropped_ran = false;
    bool kept_ran = false;
    auto password = std::make_shared<Secret>(Secret::copy_of("correct horse battery staple"));
    const std::weak_ptr<Secret> still_there = password;
    {
        auto left = *pool.reserve();
        left.submit([&, held = std::move(password)] { dropped_ran = true; });
        EXPECT_FALSE(still_there.expired());
        EXPECT_EQ(pool.taken(), 2U);
    }
    EXPECT_TRUE(still_there.expired()) << "what was typed stays in memory";
    EXPECT_EQ(pool.taken(), 1U);

    auto kept = *pool.reserve();
    kept.submit([&] {
        kept_ran = true;
        done.count_down();
    });
    barrier.open();
    done.wait();
    EXPECT_TRUE(kept_ran);
    EXPECT_FALSE(dropped_ran);
}

TEST(HashPool, LetsARunningJobEndAndOnlyThenFreesItsPlace)
{
    Barrier barrier;
    HashPool pool({.threads = 1, .queue = 2}, kSmall);
    bool ended = false;
    auto running = pool.reserve();
    running->submit([&] {
        barrier.hold();
        ended = true;
    });
    barrier.wait_until_held();
    running.reset();
    EXPECT_EQ(pool.taken(), 1U) << "its thread is busy still";
    barrier.open();
    // There is one thread: when another job runs, the first one is over.
    std::size_t taken = 0;
    run_in(pool, [&] { taken = pool.taken(); });
    EXPECT_TRUE(ended);
    EXPECT_EQ(taken, 1U) << "the second job's own";
}

TEST(HashPool, FreesAPlaceWhenItsJobHasEndedThoughItIsHeld)
{
    std::latch done(1);
    HashPool pool({.threads = 1, .queue = 2}, kSmall);
    auto held = pool.reserve();
    held->submit([&] { done.count_down(); });
    done.wait();
    std::size_t taken = 0;
    run_in(pool, [&] { taken = pool.taken(); });
    EXPECT_EQ(taken, 1U) << "the second job's own";
    held.reset();
    run_in(pool, [&] { taken = pool.taken(); });
    EXPECT_EQ(taken, 1U) << "the first place was freed twice";
}

TEST(HashPool, DestroysAJobWhenItHasRun)
{
    HashPool pool({.threads = 1, .queue = 2}, kSmall);
    auto password = std::make_shared<Secret>(Secret::copy_of("correct horse battery staple"));
    const std::weak_ptr<Secret> still_there = password;
    auto place = pool.reserve();
    place->submit([held = std::move(password)] { EXPECT_FALSE(held->empty()); });
    bool expired = false;
    run_in(pool, [&] { expired = still_there.expired(); });
    EXPECT_TRUE(expired) << "what was typed stays in memory while its place is held";
}

TEST(HashPool, CountsAPlaceOnceHoweverItIsMoved)
{
    HashPool pool({.threads = 1, .queue = 3}, kSmall);
    auto first = *pool.reserve();
    auto second = *pool.reserve();
    Place moved(std::move(first));
    EXPECT_EQ(pool.taken(), 2U);
    moved = std::move(second);
    EXPECT_EQ(pool.taken(), 1U) << "what was assigned to is released";
    auto& same = moved;
    moved = std::move(same);
    EXPECT_EQ(pool.taken(), 1U);
}

TEST(HashPool, LetsAJobOwnItsPlace)
{
    HashPool pool({.threads = 1, .queue = 1}, kSmall);
    for (int again = 0; again < 100; ++again) {
        std::optional<Place> reserved;
        while (!reserved) reserved = pool.reserve();  // the one before is about to end
        auto place = std::make_shared<Place>(std::move(*reserved));
        place->submit([place] {});
    }
}

TEST(HashPool, StopsWithTheJobsThatRun)
{
    Barrier barrier;
    HashPool pool({.threads = 1, .queue = 4}, kSmall);
    auto password = std::make_shared<Secret>(Secret::copy_of("correct horse battery staple"));
    const std::weak_ptr<Secret> still_there = password;
    bool ended = false, dropped_ran = false, late_ran = false;
    auto running = *pool.reserve();
    auto waiting = *pool.reserve();
    auto late = *pool.reserve();
    running.submit([&] {
        barrier.hold();
        while (!still_there.expired()) std::this_thread::yield();  // until stop() has dropped the other one
        ended = true;
    });
    barrier.wait_until_held();
    waiting.submit([&, held = std::move(password)] { dropped_ran = true; });
    barrier.open();
    pool.stop();
    EXPECT_TRUE(ended);
    EXPECT_FALSE(dropped_ran);
    EXPECT_EQ(pool.taken(), 1U) << "the place of the late one";
    late.submit([&] { late_ran = true; });
    pool.stop();
    EXPECT_FALSE(late_ran);
}

// Each job runs or is destroyed unrun; a pool that goes leaves none behind.
TEST(HashPool, DropsWhatHasNotStartedWhenItGoes)
{
    for (int round = 0; round < 20; ++round) {
        constexpr int jobs = 16;
        std::atomic<int> ran = 0;
        auto counted = std::make_shared<int>(0);
        {
            HashPool pool({.threads = 2, .queue = jobs}, kSmall);
            for (int job = 0; job < jobs; ++job) {
                auto place = std::make_shared<Place>(*pool.reserve());
                place->submit([place, counted, &ran] { ++ran; });
            }
        }
        EXPECT_EQ(counted.use_count(), 1);
        EXPECT_LE(ran, jobs);
    }
}

TEST(HashPool, BearsManyThreadsThatComeAndGo)
{
    constexpr int submitters = 4, rounds = 2000;
    constexpr std::size_t hashers = 2, queue = 6;
    HashPool pool({.threads = hashers, .queue = queue}, kSmall);
    std::atomic<int> running = 0, at_once = 0, ran = 0, waited_for = 0, refused = 0;
    const auto job = [&] {
        const int now = ++running;
        int most = at_once;
        while (now > most && !at_once.compare_exchange_weak(most, now)) {
        }
        ++ran;
        --running;
    };
    {
        std::vector<std::jthread> threads;
        for (int number = 0; number < submitters; ++number) {
            threads.emplace_back([&, number] {
                for (int round = 0; round < rounds; ++round) {
                    auto place = pool.reserve();
                    if (!place) {
                        ++refused;
                        continue;
                    }
                    EXPECT_LE(pool.taken(), queue);
                    if ((round + number) % 3 == 0) continue;  // never submitted
                    std::latch done(1);
                    const bool stays = (round + number) % 3 == 1;
                    place->submit([&job, latch = stays ? &done : nullptr] {
                        job();
                        if (latch != nullptr) latch->count_down();
                    });
                    if (stays) {
                        done.wait();
                        ++waited_for;
                    }
                }
            });
        }
    }
    run_in(pool, [] {});
    EXPECT_GE(ran, waited_for);
    EXPECT_LE(at_once, static_cast<int>(hashers));
}

[[noreturn]] void make_a_pool_without_memory()
{
    support::limit_memory_to(256 * kMiB);  // enough for the threads' stacks, not for their arenas
    try {
        const HashPool pool({.threads = 2, .queue = 2}, kCeiling);
        std::exit(1);
    } catch (const std::bad_alloc&) {
        std::exit(0);
    }
}

TEST(HashPoolDeathTest, IsNotMadeWithoutItsArenas)
{
    if (!support::kCanLimitMemory) GTEST_SKIP() << "not under this sanitizer";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(make_a_pool_without_memory(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace securelogin::auth
