#include "server/memory_bound.hpp"

#include <gtest/gtest.h>

#include <string>

namespace securelogin {
namespace {

constexpr std::uint64_t kKib = 1024;
constexpr std::uint64_t kMib = 1024 * kKib;

struct BoundCase {
    std::string name;
    void (*change)(Settings& settings);
    std::int64_t more;  // bytes than with the defaults, on two cores
};

class MemoryBoundGrows : public testing::TestWithParam<BoundCase> {};

TEST_P(MemoryBoundGrows, ByWhatEachSettingAllows)
{
    Settings settings;
    const auto before = memory_bound(settings, 2);
    GetParam().change(settings);
    const auto after = memory_bound(settings, 2);
    EXPECT_EQ(static_cast<std::int64_t>(after.total()) - static_cast<std::int64_t>(before.total()),
              GetParam().more);
}

INSTANTIATE_TEST_SUITE_P(
    MemoryBound, MemoryBoundGrows,
    testing::Values(BoundCase{"AConnection", [](Settings& s) { ++s.limits.connections; }, 56 * kKib},
                    BoundCase{"AHandshake", [](Settings& s) { ++s.limits.handshakes; }, 192 * kKib},
                    BoundCase{"NoMoreHandshakesThanConnections",
                              [](Settings& s) { s.limits.handshakes = 65536; }, (4096 - 256) * 192 * kKib},
                    BoundCase{"APlaceInTheQueue", [](Settings& s) { ++s.limits.hash_queue; }, 4 * kKib},
                    BoundCase{"AHashThread", [](Settings& s) { s.threads.hash = 3; }, 20 * kMib + 512 * kKib},
                    BoundCase{"OneHashThread", [](Settings& s) { s.threads.hash = 1; },
                              -static_cast<std::int64_t>(20 * kMib + 512 * kKib)},
                    BoundCase{"AnIoThread", [](Settings& s) { s.threads.io = 3; }, 512 * kKib},
                    BoundCase{"QuestionsAboutTokens", [](Settings& s) { s.listen.verify = "unix:/run/v"; },
                              2 * 512 * kKib + 256 * 16 * kKib + 16 * 3 * 2 * kMib},
                    BoundCase{"Pages", [](Settings& s) { s.listen.web = {"127.0.0.1:0"}; },
                              512 * kKib + 8 * kMib + 16 * 3 * 2 * kMib + 4096 * 128 * kKib},
                    BoundCase{"DearerHashes", [](Settings& s) { s.policy.hash.memory_kib = 64 * 1024; },
                              2 * (64 - 20) * kMib},
                    BoundCase{"PerSourceChangesNothing",
                              [](Settings& s) { s.limits.connections_per_source = 4096; }, 0},
                    BoundCase{"NorDoRates", [](Settings& s) { s.limits.accepts_per_source = 1000000; }, 0},
                    BoundCase{"NorMorePasses", [](Settings& s) { s.policy.hash.passes = 16; }, 0}),
    [](const auto& row) { return row.param.name; });

TEST(MemoryBound, IsTheSumOfItsParts)
{
    const MemoryBound bound{.base = 1,
                            .hash_arenas = 20,
                            .connections = 300,
                            .handshakes = 4000,
                            .hash_queue = 50000,
                            .tables = 600000};
    EXPECT_EQ(bound.total(), 654321U);
}

TEST(MemoryBound, OneThreadPerCoreIsCounted)
{
    const Settings settings;
    const auto one = memory_bound(settings, 1);
    const auto sixteen = memory_bound(settings, 16);
    EXPECT_EQ(sixteen.hash_arenas, 16 * one.hash_arenas);
    EXPECT_EQ(one.hash_arenas, 20 * kMib);
    EXPECT_EQ(sixteen.connections, one.connections);
}

TEST(MemoryBound, HoldsTheDefaultsBelowAGibibyte)
{
    EXPECT_LT(memory_bound(Settings(), 8).total(), 1024 * kMib);
}

}  // namespace
}  // namespace securelogin
