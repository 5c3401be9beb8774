#include "server/auth/passphrase_key.hpp"

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>

#include "common/base64.hpp"
#include "server/auth/password_hash.hpp"

namespace securelogin::auth {
namespace {

std::array<std::uint8_t, kPassphraseSalt> salt_of(std::uint8_t octet)
{
    std::array<std::uint8_t, kPassphraseSalt> salt{};
    salt.fill(octet);
    return salt;
}

Secret key(std::string_view passphrase, std::uint8_t salt, const HashParameters& parameters = kFloor)
{
    return key_from_passphrase(Secret::copy_of(passphrase), salt_of(salt), parameters);
}

TEST(PassphraseKey, IsArgon2id)
{
    const auto made = key("correct horse", 's');
    const auto phc =
        "$argon2id$v=19$m=19456,t=2,p=1$" + to_base64(salt_of('s')) + "$" + to_base64(made.bytes());
    EXPECT_TRUE(verify_password(Secret::copy_of("correct horse"), phc));
}

TEST(PassphraseKey, DependsOnAllThatGoesIn)
{
    const auto made = key("correct horse", 1);
    EXPECT_EQ(made.size(), kPassphraseKey);
    EXPECT_EQ(made.view(), key("correct horse", 1).view());
    EXPECT_NE(made.view(), key("correct horsf", 1).view());
    EXPECT_NE(made.view(), key("correct horse", 2).view());
    EXPECT_NE(made.view(), key("correct horse", 1, {19456, 3, 1}).view());
}

TEST(PassphraseKey, OutOfRangeIsRefused)
{
    for (const auto& bad :
         {HashParameters{19455, 2, 1}, HashParameters{19456, 1, 1}, HashParameters{262145, 2, 1},
          HashParameters{19456, 17, 1}, HashParameters{19456, 2, 2}}) {
        EXPECT_THROW((void)key("correct horse", 1, bad), std::invalid_argument);
    }
    EXPECT_THROW((void)key("", 1), std::invalid_argument);
}

}  // namespace
}  // namespace securelogin::auth
