#include "server/auth/master_key.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/server/store/test_store.hpp"

namespace securelogin::auth {
namespace {

using store::master_key;

std::string hexadecimal(std::span<const std::uint8_t> octets)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto octet : octets) {
        text += digits[octet >> 4U];
        text += digits[octet & 0xFU];
    }
    return text;
}

// Computed with Python's hmac: HKDF-SHA256 (RFC 5869), no salt, the purpose as info.  A change here would
// make every database unreadable.
struct KnownKey {
    std::string purpose;
    std::string derived;
};

class MasterKeyDerive : public testing::TestWithParam<KnownKey> {};

TEST_P(MasterKeyDerive, IsHkdfSha256)
{
    EXPECT_EQ(hexadecimal(master_key('k').derive(GetParam().purpose).bytes()), GetParam().derived);
}

INSTANTIATE_TEST_SUITE_P(
    Purposes, MasterKeyDerive,
    testing::Values(KnownKey{"database seal",
                             "90fae9b3477a2286787f470f64b74b05a4a31cb64f4fb892aebe9f9450dba2ad"},
                    KnownKey{"name key", "088134a7e304bb46c1a3ed7b988329808bdf912dda1964ecb179936dbd5a5aa2"},
                    KnownKey{"", "1bff14ad4935f0c6116fe235a3083a33072fa139eea10423e190fc0f2a00c8c4"}));

TEST(MasterKey, IsToldApartByItsId)
{
    EXPECT_EQ(master_key('k').id(), 0x82f63cbbU);
    EXPECT_NE(master_key('k').id(), master_key('l').id());
}

TEST(MasterKey, EachPurposeAndEachKeyHasAKeyOfItsOwn)
{
    std::set<std::string> keys;
    for (const char octet : {'k', 'l'}) {
        const auto master = master_key(octet);
        keys.insert(std::string(master.bytes().view()));
        for (const auto* const purpose : {"", "a", "b", "ab"}) keys.emplace(master.derive(purpose).view());
    }
    EXPECT_EQ(keys.size(), 10U);
}

TEST(NameKeyer, IsHmacSha256CutShort)
{
    const auto key = NameKeyer(master_key())("alice");
    EXPECT_EQ(hexadecimal(key), "99d5d121bd01c5e8679d9aa179bc7f27");
    EXPECT_EQ(short_form(key), "99d5d121");
}

TEST(NameKeyer, OneKeyForEverySpellingAndAnotherForEachName)
{
    const NameKeyer key(master_key());
    EXPECT_EQ(key("ALICE"), key("alice"));
    EXPECT_EQ(key("Alice"), key("alice"));
    const std::vector<std::string> names{"",    "alice", "alice ", " alice", "bob", std::string("alice\0", 6),
                                         "\xFF"};
    std::set<NameKey> keys;
    for (const auto& name : names) keys.insert(key(name));
    EXPECT_EQ(keys.size(), names.size());
    EXPECT_NE(NameKeyer(master_key('l'))("alice"), key("alice"));
}

TEST(NameKeyer, TheShortFormKeepsLeadingNoughts)
{
    EXPECT_EQ(short_form(NameKey{0x00, 0x0A, 0xF0, 0xFF, 0x12}), "000af0ff");
}

}  // namespace
}  // namespace securelogin::auth
