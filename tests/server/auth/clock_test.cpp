#include "server/auth/clock.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "tests/support/fake_random.hpp"

namespace securelogin::auth {
namespace {

TEST(SystemClock, IsTheMachines)
{
    const auto before = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto now = SystemClock().now();
    EXPECT_GE(now, before);
    EXPECT_LE(now, std::chrono::system_clock::now());
}

TEST(SystemRandom, FillsAllOfIt)
{
    SystemRandom random;
    // More than the kernel gives in one call that nothing interrupts.
    std::vector<std::uint8_t> bytes(4096);
    random.fill(bytes);
    for (std::size_t at = 0; at < bytes.size(); at += 64) {
        const auto part = std::span(bytes).subspan(at, 64);
        EXPECT_TRUE(std::ranges::any_of(part, [](auto byte) { return byte != 0; })) << at;
    }
}

TEST(SystemRandom, NeverRepeatsItself)
{
    SystemRandom random;
    std::set<std::array<std::uint8_t, 16>> seen;
    for (int draw = 0; draw < 1000; ++draw) {
        std::array<std::uint8_t, 16> bytes{};
        random.fill(bytes);
        EXPECT_TRUE(seen.insert(bytes).second);
    }
}

TEST(SystemRandom, LeavesNothingAlone)
{
    SystemRandom random;
    EXPECT_NO_THROW(random.fill({}));
}

TEST(RandomId, IsNeverNegativeAndUsesAllOtherBits)
{
    support::FakeRandom random;
    random.draw_next({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
    EXPECT_EQ(random_id(random), INT64_MAX);
    random.draw_next({0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80});
    EXPECT_EQ(random_id(random), 0);
    random.draw_next({0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08});
    EXPECT_EQ(random_id(random), 0x0807060504030201);
}

}  // namespace
}  // namespace securelogin::auth
