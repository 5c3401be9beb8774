#include "server/auth/token.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "tests/support/fake_random.hpp"

namespace securelogin::auth {
namespace {

std::string hexadecimal(const TokenHash& hash)
{
    std::string text;
    for (const auto byte : hash) {
        text += "0123456789abcdef"[byte >> 4U];
        text += "0123456789abcdef"[byte & 0xFU];
    }
    return text;
}

/// Draws the same byte for ever.
class Same final : public Random {
  public:
    explicit Same(std::uint8_t byte) : byte_(byte) {}
    void fill(std::span<std::uint8_t> bytes) override { std::ranges::fill(bytes, byte_); }

  private:
    std::uint8_t byte_;
};

TEST(Token, IsBase64urlOf256BitsBehindAPrefix)
{
    // As Python's base64.urlsafe_b64encode has them, without padding.
    Same zeros(0);
    Same ones(0xFF);
    Same mixed(0xA5);
    EXPECT_EQ(new_token(zeros).view(), "slt_" + std::string(43, 'A'));
    EXPECT_EQ(new_token(ones).view(), "slt_" + std::string(42, '_') + "8");
    EXPECT_EQ(new_token(mixed).view(), "slt_paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU");
}

TEST(Token, IsAnotherEachTime)
{
    support::FakeRandom random;
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const auto token = new_token(random);
        EXPECT_TRUE(is_token(token.view()));
        EXPECT_EQ(token.size(), kTokenLength);
        seen.emplace(token.view());
    }
    EXPECT_EQ(seen.size(), 100U);
}

TEST(Token, WhatIsNone)
{
    const auto good = "slt_" + std::string(42, 'a') + "Q";
    ASSERT_TRUE(is_token(good));
    const auto with = [&](std::size_t at, char c) {
        auto text = good;
        text[at] = c;
        return text;
    };
    for (const auto& text :
         {std::string(), std::string("slt_"), good.substr(1), good + "a", " " + good, good + "\r",
          with(0, 'S'), with(3, '-'), with(4, '+'), with(20, '/'), with(46, '='), with(30, '\0'),
          with(30, ' '), with(10, '\xC3'), std::string(kTokenLength, 'a')}) {
        EXPECT_FALSE(is_token(text)) << text;
    }
}

TEST(Token, ItsHashIsSha256OfItsCharacters)
{
    // printf slt_AAAA...A | sha256sum
    TokenHasher hash;
    const auto token = "slt_" + std::string(43, 'A');
    const auto first = hash(token);
    EXPECT_EQ(hexadecimal(hash("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hash(token), first) << "of each by itself, in any order";
    EXPECT_NE(hash(token.substr(1)), first);
    EXPECT_EQ(TokenHasher()(token), first);
}

}  // namespace
}  // namespace securelogin::auth
