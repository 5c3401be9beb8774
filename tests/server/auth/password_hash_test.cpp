#include "server/auth/password_hash.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

#include "tests/server/auth/memory_limit.hpp"
#include "tests/support/fake_random.hpp"

namespace securelogin::auth {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

Secret secret(std::string_view text) { return Secret::copy_of(text); }

// Made by others: the first ones by the reference implementation (its own test vectors), the rest by its
// program.
struct VectorCase {
    std::string name;
    std::string password;
    std::string phc;
};

class HashMadeByOthers : public testing::TestWithParam<VectorCase> {};

TEST_P(HashMadeByOthers, IsVerified)
{
    const auto& row = GetParam();
    EXPECT_TRUE(verify_password(secret(row.password), row.phc));
    EXPECT_FALSE(verify_password(secret(row.password + '.'), row.phc));
}

INSTANTIATE_TEST_SUITE_P(
    PasswordHash, HashMadeByOthers,
    testing::Values(
        VectorCase{"Small", "password",
                   "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
        VectorCase{"TwoLanes", "password",
                   "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
        VectorCase{"LargerThanTheFloor", "password",
                   "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
        VectorCase{"OtherPassword", "differentpassword",
                   "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94"},
        VectorCase{"OtherSalt", "password",
                   "$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw"},
        VectorCase{
            "LongestSaltAndHashFourLanes", "correct horse battery staple",
            "$argon2id$v=19$m=4096,t=3,p=4$YSBzYWx0IG9mIGZvcnR5LWVpZ2h0IGJ5dGVzLCBhcyBsb25nIGFzIGl0IGdldHMu"
            "$sQHgDgJnecCI1PclsToWFrhKBQotnaH7lmUpp+36mRDi+UMqnM+m+GQFIBodUJYhtbBoSIL3ul8MFpJMPAzXmA"},
        VectorCase{"ShortestSaltAndHashMostLanes", "correct horse battery staple",
                   "$argon2id$v=19$m=128,t=1,p=16$OCBieXRlcy4$ky7HkVK2dVLpc5JwybJmWQ"},
        VectorCase{
            "MemoryThatIsNoMultipleOfItsLanes", "na\xC3\xAFve",
            "$argon2id$v=19$m=19457,t=16,p=3$MTYtYnl0ZXMtb2Ytc2FsdA$c2hX4FiO/eRXYrlLlvEeS5RFsVzi6ZU7"}),
    [](const auto& row) { return row.param.name; });

struct OwnCase {
    std::string name;
    std::string password;
};

class HashOfOurOwn : public testing::TestWithParam<OwnCase> {};

TEST_P(HashOfOurOwn, IsVerifiedAndNothingElseIs)
{
    const auto password = secret(GetParam().password);
    const auto phc = hash_password(password, kFloor);
    EXPECT_TRUE(verify_password(password, phc.view()));
    EXPECT_FALSE(verify_password(secret(GetParam().password + '\0'), phc.view()));
    EXPECT_FALSE(verify_password(secret("x" + GetParam().password), phc.view()));
}

INSTANTIATE_TEST_SUITE_P(PasswordHash, HashOfOurOwn,
                         testing::Values(OwnCase{"Words", "correct horse battery staple"},  //
                                         OwnCase{"Empty", ""},                              //
                                         OwnCase{"NulInside", std::string("a\0b", 3)},      //
                                         OwnCase{"Longest", std::string(1024, 'x')}),
                         [](const auto& row) { return row.param.name; });

TEST(HashPassword, MakesAPhcStringOfItsParameters)
{
    const HashParameters dearer{.memory_kib = 20480, .passes = 3, .lanes = 1};
    const auto phc = hash_password(secret("correct horse battery staple"), dearer);
    EXPECT_TRUE(phc.view().starts_with("$argon2id$v=19$m=20480,t=3,p=1$")) << phc.view();
    EXPECT_EQ(parse_phc(phc.view()), dearer);
}

TEST(HashPassword, NeverMakesTheSameTwice)
{
    const auto password = secret("correct horse battery staple");
    EXPECT_NE(hash_password(password, kFloor).view(), hash_password(password, kFloor).view());
}

TEST(HashPassword, MakesNoneOutsideItsBounds)
{
    const auto password = secret("correct horse battery staple");
    const HashParameters forbidden[] = {{19455, 2, 1},  {19456, 1, 1}, {262145, 2, 1},
                                        {19456, 17, 1}, {19456, 2, 2}, {0, 0, 0}};
    for (const auto& parameters : forbidden) {
        EXPECT_THROW((void)hash_password(password, parameters), std::invalid_argument);
    }
}

TEST(VerifyPassword, MatchesNothingThatIsNoHash)
{
    const auto password = secret("password");
    const std::string good =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    ASSERT_TRUE(verify_password(password, good));
    EXPECT_FALSE(verify_password(password, ""));
    EXPECT_FALSE(verify_password(password, "password"));
    EXPECT_FALSE(verify_password(password, good.substr(0, good.size() - 1)));
    EXPECT_FALSE(verify_password(password, good + '='));
    EXPECT_FALSE(verify_password(password, good + '\0'));
    // Dearer than anything that is ever computed: refused before any work is done.
    EXPECT_FALSE(verify_password(
        password, "$argon2id$v=19$m=4294967295,t=4294967295,p=1$c29tZXNhbHQ$" + std::string(43, 'A')));
}

TEST(VerifyPassword, NoticesEachPartOfTheString)
{
    const auto password = secret("password");
    const std::string front = "$argon2id$v=19$";
    const std::string hash = "$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    EXPECT_TRUE(verify_password(password, front + "m=256,t=2,p=1$c29tZXNhbHQ" + hash));
    EXPECT_FALSE(verify_password(password, front + "m=257,t=2,p=1$c29tZXNhbHQ" + hash));
    EXPECT_FALSE(verify_password(password, front + "m=256,t=3,p=1$c29tZXNhbHQ" + hash));
    EXPECT_FALSE(verify_password(password, front + "m=256,t=2,p=2$c29tZXNhbHQ" + hash));
    EXPECT_FALSE(verify_password(password, front + "m=256,t=2,p=1$c29tZXNhbHR" + hash));
    EXPECT_FALSE(verify_password(password, front + "m=256,t=2,p=1$c29tZXNhbHQ$" + std::string(43, 'A')));
}

// An unknown user must cost what a known one does, and nobody may get in by a hash that was made up.
TEST(MadeUpHash, IsWellFormedAndMatchesNothing)
{
    support::FakeRandom random;
    for (const auto& parameters : {kFloor, HashParameters{32768, 3, 1}, HashParameters{19456, 2, 4}}) {
        const auto phc = made_up_hash(parameters, random);
        EXPECT_EQ(parse_phc(phc.view()), parameters);
        EXPECT_FALSE(verify_password(Secret(), phc.view()));
    }
    EXPECT_EQ(made_up_hash(kFloor, random).size(), hash_password(secret("password"), kFloor).size());
    EXPECT_NE(made_up_hash(kFloor, random).view(), made_up_hash(kFloor, random).view());
}

/// Runs `hash` where there is no memory for it; exits with 0 if it throws std::bad_alloc.
template <typename Hash>
[[noreturn]] void hash_without_memory(Hash hash)
{
    support::limit_memory_to(4 * kMiB);
    try {
        std::exit(hash() ? 1 : 2);
    } catch (const std::bad_alloc&) {
        std::exit(0);
    }
}

// Neither a match nor a mismatch: whoever took it for a wrong password would count it as one.
TEST(PasswordHashDeathTest, LackOfMemoryIsAnError)
{
    if (!support::kCanLimitMemory) GTEST_SKIP() << "not under this sanitizer";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto password = secret("correct horse battery staple");
    const auto phc = hash_password(password, kFloor);
    EXPECT_EXIT(hash_without_memory([&] { return verify_password(password, phc.view()); }),
                testing::ExitedWithCode(0), "");
    EXPECT_EXIT(hash_without_memory([&] { return verify_password(secret("wrong"), phc.view()); }),
                testing::ExitedWithCode(0), "");
    EXPECT_EXIT(hash_without_memory([&] { return !hash_password(password, kFloor).empty(); }),
                testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace securelogin::auth
