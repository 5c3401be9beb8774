#include "server/auth/fair_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <string>
#include <vector>

namespace securelogin::auth {
namespace {

using testing::ElementsAre;

Asker device(const std::string& source) { return {.standing = Standing::known_device, .source = source}; }
Asker known(const std::string& source) { return {.standing = Standing::known_source, .source = source}; }
Asker stranger(const std::string& source) { return {.standing = Standing::stranger, .source = source}; }

using Queue = FairQueue<int>;

std::vector<int> all_of(Queue& queue)
{
    std::vector<int> order;
    while (const auto item = queue.pop()) order.push_back(*item);
    EXPECT_TRUE(queue.empty());
    return order;
}

TEST(FairQueue, OneSourceIsServedInItsOrder)
{
    Queue queue;
    for (int item = 1; item <= 3; ++item) queue.push(stranger("a"), item);
    EXPECT_EQ(queue.size(), 3U);
    EXPECT_THAT(all_of(queue), ElementsAre(1, 2, 3));
}

/// As one that needs memory does when there is none.
struct Refusing {
    explicit Refusing(int value) : number(value) {}
    Refusing(Refusing&& other) : number(other.number)
    {
        if (number < 0) throw std::bad_alloc();
    }
    Refusing& operator=(Refusing&&) = default;

    int number;
};

TEST(FairQueue, WhatCannotBeTakenInLeavesNoTrace)
{
    FairQueue<Refusing> queue;
    EXPECT_THROW(queue.push(stranger("a"), Refusing(-1)), std::bad_alloc);
    EXPECT_TRUE(queue.empty());
    EXPECT_FALSE(queue.pop());
    queue.push(stranger("a"), Refusing(1));
    EXPECT_THROW(queue.push(stranger("a"), Refusing(-1)), std::bad_alloc);
    EXPECT_EQ(queue.waiting(stranger("a")), 1U);
    const auto served = queue.pop();
    ASSERT_TRUE(served);
    EXPECT_EQ(served->number, 1);
    EXPECT_FALSE(queue.pop());
}

TEST(FairQueue, SourcesTakeTurns)
{
    Queue queue;
    for (int item = 10; item < 14; ++item) queue.push(stranger("flood"), item);
    queue.push(stranger("b"), 20);
    queue.push(stranger("c"), 30);
    queue.push(stranger("c"), 31);
    EXPECT_THAT(all_of(queue), ElementsAre(10, 20, 30, 11, 31, 12, 13));
}

TEST(FairQueue, TheBetterKnownGoFirst)
{
    Queue queue;
    queue.push(stranger("a"), 1);
    queue.push(known("a"), 2);
    queue.push(device("a"), 3);
    queue.push(known("b"), 4);
    EXPECT_THAT(all_of(queue), ElementsAre(3, 2, 4, 1));
}

TEST(FairQueue, WhatIsErasedIsNotServed)
{
    Queue queue;
    queue.push(stranger("a"), 1);
    queue.push(stranger("a"), 2);
    queue.push(stranger("b"), 3);
    EXPECT_TRUE(queue.erase(stranger("a"), 1));
    EXPECT_FALSE(queue.erase(stranger("a"), 1));
    EXPECT_FALSE(queue.erase(known("a"), 2)) << "another standing";
    EXPECT_FALSE(queue.erase(stranger("c"), 3)) << "another source";
    EXPECT_TRUE(queue.erase(stranger("b"), 3));
    EXPECT_THAT(all_of(queue), ElementsAre(2));
}

struct DisplaceCase {
    const char* name;
    std::vector<Asker> waiting;  // items 0, 1, ...
    Asker newcomer;
    std::optional<int> victim;
};
class Displace : public testing::TestWithParam<DisplaceCase> {};

TEST_P(Displace, TakesThePlaceOfWhoHasTheLeastClaim)
{
    Queue queue;
    int item = 0;
    for (const auto& asker : GetParam().waiting) queue.push(asker, item++);
    const auto before = queue.size();
    EXPECT_EQ(queue.displace_for(GetParam().newcomer), GetParam().victim);
    EXPECT_EQ(queue.size(), before - (GetParam().victim ? 1 : 0));
    EXPECT_EQ(all_of(queue).size(), before - (GetParam().victim ? 1 : 0));
}

INSTANTIATE_TEST_SUITE_P(
    FairQueue, Displace,
    testing::Values(
        DisplaceCase{"NobodyWaits", {}, device("d"), std::nullopt},
        DisplaceCase{"LastOfTheLongest",
                     {stranger("a"), stranger("b"), stranger("b"), stranger("b")},
                     stranger("c"),
                     3},
        DisplaceCase{"AllHaveOne", {stranger("a"), stranger("b")}, stranger("c"), std::nullopt},
        DisplaceCase{"TheLongestIsOnesOwn", {stranger("a"), stranger("a")}, stranger("a"), std::nullopt},
        DisplaceCase{"OneMoreIsNoBetterClaim",
                     {stranger("a"), stranger("a"), stranger("b")},
                     stranger("b"),
                     std::nullopt},
        DisplaceCase{
            "TwoMoreIs", {stranger("a"), stranger("a"), stranger("a"), stranger("b")}, stranger("b"), 2},
        DisplaceCase{"AStrangerForAKnownSource", {known("a"), known("a"), stranger("b")}, known("c"), 2},
        DisplaceCase{"AStrangerForADevice", {known("a"), stranger("b")}, device("d"), 1},
        DisplaceCase{"AKnownSourceForADevice", {known("a"), device("d")}, device("e"), 0},
        DisplaceCase{
            "NeverABetterStanding", {known("a"), known("a"), known("a")}, stranger("c"), std::nullopt},
        DisplaceCase{
            "NorADeviceForAKnownSource", {device("a"), device("a"), device("a")}, known("c"), std::nullopt}),
    [](const auto& row) { return row.param.name; });

TEST(FairQueue, AFloodNeverKeepsOthersOutForMoreThanATurn)
{
    constexpr std::size_t kPlaces = 100;
    Queue queue;
    const auto arrive = [&](const Asker& asker, int item) {
        if (queue.size() >= kPlaces && !queue.displace_for(asker)) return false;
        queue.push(asker, item);
        return true;
    };
    for (int item = 0; item < 10'000; ++item) (void)arrive(stranger("flood"), item);
    EXPECT_EQ(queue.size(), kPlaces);
    for (int user = 0; user < 40; ++user) {
        EXPECT_TRUE(arrive(stranger("user " + std::to_string(user)), -1 - user));
        (void)arrive(stranger("flood"), user);
    }
    int users_served = 0;
    for (int turn = 0; turn < 41; ++turn) users_served += *queue.pop() < 0 ? 1 : 0;
    EXPECT_EQ(users_served, 40);
}

}  // namespace
}  // namespace securelogin::auth
