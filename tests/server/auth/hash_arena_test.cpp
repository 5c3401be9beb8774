#include "server/auth/hash_arena.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdlib>
#include <future>
#include <string>

#include "server/auth/password_hash.hpp"
#include "tests/server/auth/memory_limit.hpp"

// What libsodium calls in the place of mmap() and munmap().
extern "C" {
void* securelogin_arena_mmap(void* address, std::size_t size, int protection, int flags, int file,
                             off_t offset);
int securelogin_arena_munmap(void* address, std::size_t size);
}

namespace securelogin::auth {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;
constexpr long kFaultsOfAHash = 19 * 256;  // 19 MiB in pages of 4 KiB

Secret secret(std::string_view text) { return Secret::copy_of(text); }

long faults_of_a_hash()
{
    const auto before = support::page_faults();
    EXPECT_FALSE(hash_password(secret("correct horse battery staple"), kFloor).empty());
    return support::page_faults() - before;
}

/// As libsodium asks for the memory of a hash, by default.
void* map(std::size_t size, int protection = PROT_READ | PROT_WRITE,
          int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE)
{
    void* const memory = securelogin_arena_mmap(nullptr, size, protection, flags, -1, 0);
    EXPECT_NE(memory, MAP_FAILED);
    return memory;
}

void unmap(void* memory, std::size_t size) { EXPECT_EQ(securelogin_arena_munmap(memory, size), 0); }

TEST(HashArena, IsLargeEnoughInWholeHugePages)
{
    EXPECT_EQ(HashArena(kFloor).size(), 20 * kMiB);
    EXPECT_EQ(HashArena({.memory_kib = 8}).size(), 2 * kMiB);
    EXPECT_EQ(HashArena({.memory_kib = 20480}).size(), 20 * kMiB);
}

TEST(HashArena, IsWhatAHashWorksIn)
{
    (void)faults_of_a_hash();  // what the first hash of a thread touches besides
    const HashArena arena(kFloor);
    EXPECT_LT(faults_of_a_hash(), kFaultsOfAHash / 20);
    EXPECT_LT(faults_of_a_hash(), kFaultsOfAHash / 20);
}

// It is neither zeroed nor wiped between hashes.
TEST(HashArena, ChangesNoResult)
{
    const std::string phc =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    const auto before = hash_password(secret("password"), kFloor);
    const HashArena arena(kFloor);
    for (int again = 0; again < 3; ++again) {
        EXPECT_TRUE(verify_password(secret("password"), phc));
        EXPECT_TRUE(verify_password(secret("password"), before.view()));
        EXPECT_FALSE(verify_password(secret("Password"), before.view()));
    }
}

TEST(HashArena, LeavesLargerHashesToTheSystem)
{
    const HashArena arena({.memory_kib = 1024});
    const auto phc = hash_password(secret("password"), kFloor);
    EXPECT_TRUE(verify_password(secret("password"), phc.view()));
}

TEST(HashArena, MayBeMadeAnew)
{
    for (int again = 0; again < 3; ++again) {
        const HashArena arena(kFloor);
        EXPECT_FALSE(hash_password(secret("password"), kFloor).empty());
    }
    EXPECT_FALSE(hash_password(secret("password"), kFloor).empty());
}

TEST(HashArena, IsGivenToOneAtATime)
{
    const HashArena arena(kFloor);
    const HashArena::InForce in_force;
    void* const first = map(19 * kMiB);
    void* const second = map(19 * kMiB);
    EXPECT_NE(first, second);
    unmap(first, 19 * kMiB);
    unmap(second, 19 * kMiB);
    void* const third = map(kMiB);
    EXPECT_EQ(third, first) << "free again, and large enough";
    unmap(third, kMiB);
}

struct OtherMapping {
    std::string name;
    std::size_t size = kMiB;
    int protection = PROT_READ | PROT_WRITE;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
};

class HashArenaOtherMapping : public testing::TestWithParam<OtherMapping> {};

TEST_P(HashArenaOtherMapping, IsGivenSomethingElse)
{
    const auto& row = GetParam();
    const HashArena arena(kFloor);
    const HashArena::InForce in_force;
    void* const lent = map(kMiB);
    unmap(lent, kMiB);
    void* const other = map(row.size, row.protection, row.flags);
    EXPECT_NE(other, lent);
    unmap(other, row.size);
}

INSTANTIATE_TEST_SUITE_P(HashArena, HashArenaOtherMapping,
                         testing::Values(OtherMapping{"LargerThanTheArena", 20 * kMiB + 1},  //
                                         OtherMapping{"ReadOnly", kMiB, PROT_READ},          //
                                         OtherMapping{"SharedWithAChild", kMiB, PROT_READ | PROT_WRITE,
                                                      MAP_SHARED | MAP_ANONYMOUS}),
                         [](const auto& row) { return row.param.name; });

TEST(HashArena, IsGivenToNoOtherThread)
{
    const HashArena arena(kFloor);
    const HashArena::InForce in_force;
    void* const lent = map(kMiB);
    unmap(lent, kMiB);
    void* const other = std::async(std::launch::async, [] {
                            const HashArena::InForce in_force_there;
                            return map(kMiB);
                        }).get();
    EXPECT_NE(other, lent);
    unmap(other, kMiB);
}

TEST(HashArena, IsGivenOnlyWhenInForce)
{
    const HashArena arena(kFloor);
    void* lent = nullptr;
    {
        const HashArena::InForce in_force;
        lent = map(kMiB);
        unmap(lent, kMiB);
    }
    void* const later = map(kMiB);
    EXPECT_NE(later, lent);
    unmap(later, kMiB);
}

[[noreturn]] void hash_in_an_arena_without_other_memory()
{
    const auto phc = hash_password(secret("password"), kFloor);
    const HashArena arena(kFloor);
    support::limit_memory_to(4 * kMiB);
    std::exit(verify_password(secret("password"), phc.view()) ? 0 : 1);
}

[[noreturn]] void make_an_arena_without_memory()
{
    support::limit_memory_to(4 * kMiB);
    try {
        const HashArena arena(kFloor);
        std::exit(1);
    } catch (const std::bad_alloc&) {
        std::exit(0);
    }
}

TEST(HashArenaDeathTest, IsAllThatAHashNeeds)
{
    if (!support::kCanLimitMemory) GTEST_SKIP() << "not under this sanitizer";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(hash_in_an_arena_without_other_memory(), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(make_an_arena_without_memory(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace securelogin::auth
