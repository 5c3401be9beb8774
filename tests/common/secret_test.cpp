#include "common/secret.hpp"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace securelogin {
namespace {

using namespace std::string_view_literals;

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(std::is_nothrow_move_assignable_v<Secret>);

TEST(Secret, IsEmptyFromTheStart)
{
    Secret secret;
    EXPECT_TRUE(secret.empty());
    EXPECT_EQ(secret.view(), "");
    EXPECT_TRUE(secret.bytes().empty());
    secret.clear();
    secret.truncate(0);
    EXPECT_TRUE(secret.empty());
}

TEST(Secret, StartsAsZeroBytes)
{
    const Secret secret(33);
    EXPECT_EQ(secret.view(), std::string(33, '\0'));
}

TEST(Secret, HoldsACopyOfAnyBytes)
{
    const auto secret = Secret::copy_of("pass\0word\xFF"sv);
    EXPECT_EQ(secret.view(), "pass\0word\xFF"sv);
    EXPECT_EQ(secret.size(), 10U);
    EXPECT_EQ(secret.bytes().back(), 0xFF);
    EXPECT_TRUE(Secret::copy_of("").empty());
}

TEST(Secret, ClonesAreTheirOwn)
{
    auto secret = Secret::copy_of("first");
    const auto clone = secret.clone();
    secret.chars().front() = 'F';
    EXPECT_EQ(secret.view(), "First");
    EXPECT_EQ(clone.view(), "first");
}

TEST(Secret, MovesAwayWhole)
{
    auto from = Secret::copy_of("secret");
    const auto* const where = from.view().data();
    Secret to(std::move(from));
    EXPECT_EQ(to.view(), "secret");
    EXPECT_EQ(to.view().data(), where) << "moved, not copied";
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what is left behind is the point

    Secret assigned = Secret::copy_of("old");
    assigned = std::move(to);
    EXPECT_EQ(assigned.view(), "secret");
    EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move)

    auto& itself = assigned;
    assigned = std::move(itself);
    EXPECT_EQ(assigned.view(), "secret");
}

TEST(Secret, IsWipedWhereItIsCutShort)
{
    auto secret = Secret::copy_of("password");
    const auto whole = secret.chars();
    secret.truncate(4);
    EXPECT_EQ(secret.view(), "pass");
    // The block itself is as long as it was.
    EXPECT_EQ(std::string_view(whole.data(), whole.size()), "pass\0\0\0\0"sv);
    secret.truncate(0);
    EXPECT_TRUE(secret.empty());
    EXPECT_EQ(std::string_view(whole.data(), whole.size()), "\0\0\0\0\0\0\0\0"sv);
}

TEST(Wipe, LeavesZeroes)
{
    std::string text = "password";
    wipe(text);
    EXPECT_EQ(text, std::string(8, '\0'));
    wipe({});
}

/// What is left, in the secure heap, of a secret after `end` has ended it; exits with 0 if nothing is.  In a
/// process of its own: the heap is made once, and freed memory in it may be looked at.
template <typename End>
[[noreturn]] void look_at_what_is_left(End end)
{
    constexpr std::size_t heap = 4096;
    (void)make_secure_heap(heap);
    // A neighbour, so that the block does not become part of a larger free one that holds its own
    // bookkeeping.
    const auto neighbour = Secret::copy_of("0123456789abcdef0123456789abcdef");
    auto secret = Secret::copy_of("correct horse battery staple....");
    const auto left = secret.chars();
    if (CRYPTO_secure_allocated(left.data()) != 1) std::exit(2);
    end(secret);
    // The heap's free list lies in the first two words of a free block.
    const auto rest = left.subspan(16);
    std::exit(std::ranges::all_of(rest, [](char c) { return c == '\0'; }) ? 0 : 1);
}

TEST(SecretDeathTest, LeavesNothingBehind)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(look_at_what_is_left([](Secret& secret) { secret.clear(); }), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(look_at_what_is_left([](Secret& secret) { secret = Secret(); }), testing::ExitedWithCode(0),
                "");
    EXPECT_EXIT(look_at_what_is_left([](Secret& secret) { const Secret gone(std::move(secret)); }),
                testing::ExitedWithCode(0), "");
    EXPECT_EXIT(look_at_what_is_left([](Secret& secret) {
                    secret.truncate(1);
                    secret.clear();
                }),
                testing::ExitedWithCode(0), "");
}

/// More secrets than the secure heap holds; exits with 0 if each is what it was made of, and no error is left
/// for whoever asks OpenSSL next.
[[noreturn]] void overfill_the_secure_heap()
{
    constexpr std::size_t heap = 4096;
    (void)make_secure_heap(heap);
    std::vector<Secret> secrets;
    bool some_inside = false, some_outside = false;
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        secrets.push_back(Secret::copy_of(std::string(500, letter)));
        const bool inside = CRYPTO_secure_allocated(secrets.back().view().data()) == 1;
        (inside ? some_inside : some_outside) = true;
    }
    if (!some_inside || !some_outside) std::exit(2);
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        if (secrets[static_cast<std::size_t>(letter - 'a')].view() != std::string(500, letter)) std::exit(3);
    }
    secrets.clear();
    if (CRYPTO_secure_used() != 0) std::exit(4);
    std::exit(ERR_peek_error() == 0 ? 0 : 5);
}

TEST(SecretDeathTest, GoesOnWhenTheSecureHeapIsFull)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(overfill_the_secure_heap(), testing::ExitedWithCode(0), "");
}

[[noreturn]] void make_a_heap_that_may_not_be_locked()
{
    // Root's memory is locked whatever the limit.
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) std::exit(0);
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    setrlimit(RLIMIT_MEMLOCK, &none);
    if (make_secure_heap(4096)) std::exit(1);
    std::exit(Secret::copy_of("usable").view() == "usable" ? 0 : 2);
}

TEST(SecretDeathTest, TellsWhenTheHeapIsNotLocked)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(make_a_heap_that_may_not_be_locked(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace securelogin
