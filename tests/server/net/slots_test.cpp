#include "server/net/slots.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace securelogin::net {
namespace {

const auto kHere = auth::Source::from_address("192.0.2.1");
const auto kThere = auth::Source::from_address("192.0.2.2");

TEST(Slots, WhoSpeaksForManyIsBoundedInAllOnly)
{
    Slots slots({.in_all = 4, .per_source = 1});
    const auto proxy = auth::Source::from_address("127.0.0.1");
    const auto one = slots.take(proxy, Slots::Bound::all);
    const auto two = slots.take(proxy, Slots::Bound::all);
    EXPECT_TRUE(one && two);
    EXPECT_FALSE(slots.take(proxy));
    const auto three = slots.take(proxy, Slots::Bound::all);
    EXPECT_TRUE(three);
    EXPECT_FALSE(slots.take(proxy, Slots::Bound::all)) << "a quarter is others'";
    EXPECT_TRUE(slots.take(auth::Source::from_address("192.0.2.7")));
}

TEST(Slots, AreCountedPerSource)
{
    Slots slots({.in_all = 10, .per_source = 2});
    auto one = slots.take(kHere);
    auto two = slots.take(kHere);
    EXPECT_TRUE(one && two);
    EXPECT_FALSE(slots.take(kHere));
    EXPECT_TRUE(slots.take(kThere));
    one.reset();
    EXPECT_TRUE(slots.take(kHere));
}

TEST(Slots, AreCountedInAll)
{
    Slots slots({.in_all = 2, .per_source = 2});
    const auto one = slots.take(kHere);
    auto two = slots.take(kThere);
    EXPECT_FALSE(slots.take(auth::Source::from_address("192.0.2.3")));
    two.reset();
    EXPECT_TRUE(slots.take(auth::Source::from_address("192.0.2.3")));
    EXPECT_EQ(slots.taken(), 1U) << "what take() gave and nobody kept is free again";
}

TEST(Slots, WhatWasGivenAndRefusedIsCounted)
{
    Slots slots({.in_all = 2, .per_source = 1});
    auto one = slots.take(kHere);
    EXPECT_FALSE(slots.take(kHere));  // its source has one
    const auto two = slots.take(kThere);
    EXPECT_FALSE(slots.take(auth::Source::from_address("192.0.2.3")));  // all are taken
    one.reset();
    const auto counts = slots.counts();
    EXPECT_EQ(counts.taken, 1U);
    EXPECT_EQ(counts.given, 2U);
    EXPECT_EQ(counts.refused, 2U);
}

TEST(Slots, AWholeIPv6NetworkIsOneSource)
{
    Slots slots({.in_all = 10, .per_source = 1});
    const auto slot = slots.take(auth::Source::from_address("2001:db8::1"));
    EXPECT_FALSE(slots.take(auth::Source::from_address("2001:db8::2")));
    EXPECT_TRUE(slots.take(auth::Source::from_address("2001:db8:0:1::1")));
}

TEST(Slots, AnIPv6SiteHasWhatSomeSourcesHave)
{
    Slots slots({.in_all = 1000, .per_source = 2});
    std::vector<Slots::Slot> held;
    for (int network = 0; network < 100; ++network) {
        const auto source = auth::Source::from_address("2001:db8:7:" + std::to_string(network) + "::1");
        while (auto slot = slots.take(source)) held.push_back(std::move(*slot));
    }
    EXPECT_EQ(held.size(), 2 * 8U);
    EXPECT_TRUE(slots.take(auth::Source::from_address("2001:db8:8::1")));
    held.pop_back();
    EXPECT_TRUE(slots.take(auth::Source::from_address("2001:db8:7:99::1")));
    held.clear();
    EXPECT_EQ(slots.taken(), 0U);
}

TEST(Slots, LowerLimitsLeaveWhatIsOpen)
{
    Slots slots({.in_all = 10, .per_source = 10});
    auto one = slots.take(kHere);
    auto two = slots.take(kHere);
    slots.set_limits({.in_all = 10, .per_source = 1});
    EXPECT_FALSE(slots.take(kHere));
    one.reset();
    EXPECT_FALSE(slots.take(kHere));
    two.reset();
    EXPECT_TRUE(slots.take(kHere));
}

TEST(Slots, AMovedSlotIsGivenBackOnce)
{
    Slots slots({.in_all = 10, .per_source = 10});
    {
        auto slot = slots.take(kHere);
        const auto moved = std::move(*slot);
        slot.reset();
        EXPECT_EQ(slots.taken(), 1U);
    }
    EXPECT_EQ(slots.taken(), 0U);
}

TEST(Slots, HoldUnderManyThreads)
{
    constexpr std::size_t kMost = 3;
    Slots slots({.in_all = 100, .per_source = kMost});
    std::atomic<std::size_t> open = 0;
    std::atomic<bool> exceeded = false;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 8; ++thread) {
            threads.emplace_back([&] {
                for (int tries = 0; tries < 2000; ++tries) {
                    const auto slot = slots.take(kHere);
                    if (!slot) continue;
                    if (++open > kMost) exceeded = true;
                    --open;
                }
            });
        }
    }
    EXPECT_FALSE(exceeded);
    EXPECT_EQ(slots.taken(), 0U);
}

}  // namespace
}  // namespace securelogin::net
