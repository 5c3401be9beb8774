#include "server/auth/old_hash.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "server/auth/wrapped_hash.hpp"

namespace securelogin::auth {
namespace {

constexpr std::string_view kPassword = "correct horse";
constexpr HashParameters kCheap = kFloor;

Secret secret(std::string_view text) { return Secret::copy_of(text); }

// Made by others: openssl passwd, crypt(3), Python's hashlib.
struct Vector {
    std::string name;
    std::string hash;
    std::string_view password = kPassword;
};

const std::string kSha512 =
    "$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0";
const std::string kBcrypt = "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
const std::string kYescrypt = "$y$j75$saltsalt$5wlMXHz82Iqiv0ywbT8h3LCVssbi3h0Xh43jM7E7Tr2";
const std::string kSha256 = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";

class HashOfOthers : public testing::TestWithParam<Vector> {};

TEST_P(HashOfOthers, IsComputedAgain)
{
    const auto& row = GetParam();
    auto parsed = parse_old_hash(row.hash);
    ASSERT_TRUE(std::holds_alternative<OldHash>(parsed)) << std::get<std::string>(parsed);
    const auto& old = std::get<OldHash>(parsed);
    EXPECT_EQ(old_digest(old.scheme, old.setting, secret(row.password)).view(), old.digest.view());
    EXPECT_NE(old_digest(old.scheme, old.setting, secret(std::string(row.password) + ".")).view(),
              old.digest.view());
    EXPECT_EQ(old.setting.find(old.digest.view()), std::string::npos) << "the setting gives the hash away";
}

TEST_P(HashOfOthers, IsWrappedAndKnownAgain)
{
    const auto& row = GetParam();
    auto parsed = parse_old_hash(row.hash);
    ASSERT_TRUE(std::holds_alternative<OldHash>(parsed));
    const auto& old = std::get<OldHash>(parsed);
    const auto wrapped = wrap_old_hash(old, kCheap);
    EXPECT_TRUE(is_wrapped(wrapped.view()));
    EXPECT_FALSE(parse_phc(wrapped.view())) << "it counts as outdated";
    EXPECT_EQ(wrapped.view().find(old.digest.view()), std::string_view::npos);
    EXPECT_TRUE(matches_stored_hash(secret(row.password), wrapped.view()));
    EXPECT_FALSE(matches_stored_hash(secret(std::string(row.password) + "."), wrapped.view()));
    EXPECT_FALSE(matches_stored_hash(old.digest, wrapped.view())) << "the old hash is no password";
}

INSTANTIATE_TEST_SUITE_P(
    OldHash, HashOfOthers,
    testing::Values(
        Vector{"Sha256", kSha256},  //
        Vector{"Sha256InCapitals", "4104D36F8DA2C254349F85836793EBE029E0C957063A34C91C2E9203187B5631"},
        Vector{"Sha1", "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A="},                    //
        Vector{"Apr1", "$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/"},                //
        Vector{"Apr1ShortSalt", "$apr1$x$PSNAB.vTkM7vBB0Kq4yHq0"},              //
        Vector{"Apr1NoPassword", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie.", ""},  //
        Vector{"Apr1LongPassword", "$apr1$abcdefgh$3z9npH.rA.YsoRCj6u8l0/",
               "seventeen letters and many more, so that it is longer than a digest"},
        Vector{"Bcrypt2y", kBcrypt},  //
        Vector{"Bcrypt2b", "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"},
        Vector{"Bcrypt2a", "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"},
        Vector{"Md5Crypt", "$1$saltsalt$NuzA7WTAelpl95xgBGWN60"},
        Vector{"Sha256Crypt", "$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/"},
        Vector{"Sha512Crypt", kSha512},
        Vector{"Sha512CryptRounds",
               "$6$rounds=1000$saltsalt$4GMtaIz3E1AdDi2SmCokEW0ehi.HdxNDcL3fGE1XXuzvo6kbx7UOloZKONqEk5H3JrQA4"
               "NOfU8BmqFPrpGqwA1"},
        Vector{"Yescrypt", kYescrypt},
        Vector{"YescryptOfDebian", "$y$j9T$saltsalt$IFUVMd9IZg.1qt0VDKUmwCd8zfLLrtDA9mffjiD5skD"}),
    [](const auto& row) { return row.param.name; });

struct BadHash {
    std::string name;
    std::string hash;
    std::string why;  // a part of it
};

class HashRefused : public testing::TestWithParam<BadHash> {};

TEST_P(HashRefused, SaysWhy)
{
    const auto parsed = parse_old_hash(GetParam().hash);
    ASSERT_TRUE(std::holds_alternative<std::string>(parsed));
    EXPECT_NE(std::get<std::string>(parsed).find(GetParam().why), std::string::npos)
        << std::get<std::string>(parsed);
}

const std::string kDigest86 = kSha512.substr(12);
const std::string kUnknown = "of no kind";

INSTANTIATE_TEST_SUITE_P(
    OldHash, HashRefused,
    testing::Values(
        BadHash{"Empty", "", kUnknown},                                         //
        BadHash{"Plain", "letmein", kUnknown},                                  //
        BadHash{"Des", "rEK1ecacw.7.c", kUnknown},                              //
        BadHash{"ShortHexadecimal", kSha256.substr(1), kUnknown},               //
        BadHash{"LongHexadecimal", kSha256 + "0", kUnknown},                    //
        BadHash{"NotHexadecimal", "g" + kSha256.substr(1), kUnknown},           //
        BadHash{"SaltedSha1", "{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=", kUnknown},  //
        BadHash{"Pbkdf2", "$pbkdf2-sha512$310000$c2FsdA$aGFzaA", kUnknown},     //
        BadHash{"Scrypt", "$scrypt$ln=16,r=8,p=1$c2FsdA$aGFzaA", kUnknown},     //
        BadHash{"BcryptOfOldCrypt", "$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", kUnknown},
        BadHash{"Wrapped", "$over$sha256$$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAA$AAAA", kUnknown},  //
        BadHash{"Sha1CutOff", "{SHA}L55TUjtiq8FBorTWAZ0jy6g129", "malformed"},                         //
        BadHash{"Sha1TooLong", "{SHA}L55TUjtiq8FBorTWAZ0jy6g129AAAA==", "malformed"},                  //
        BadHash{"Sha1NotBase64", "{SHA}L55TUjtiq8FBorTWAZ0jy6g129!=", "malformed"},                    //
        BadHash{"Apr1NoSalt", "$apr1$$sIQmFnT1CuEXAsyjuXjUX/", "malformed"},                           //
        BadHash{"Apr1LongSalt", "$apr1$abcdefghi$sIQmFnT1CuEXAsyjuXjUX/", "malformed"},                //
        BadHash{"Apr1CutOff", "$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX", "cut off"},                      //
        BadHash{"Apr1OtherSigns", "$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjU=/", "malformed"},               //
        BadHash{"BcryptTooDear", "$2y$15$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "above 14"},
        BadHash{"BcryptDearest", "$2y$31$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "above 14"},
        BadHash{"BcryptTooCheap", "$2y$03$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
                "malformed"},
        BadHash{"BcryptOneDigit", "$2y$4$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "malformed"},
        BadHash{"BcryptNegative", "$2y$-4$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
                "malformed"},
        BadHash{"BcryptCutOff", kBcrypt.substr(0, 59), "cut off"},                         //
        BadHash{"BcryptOnlySetting", kBcrypt.substr(0, 29), "cut off"},                    //
        BadHash{"BcryptOnlyPrefix", "$2y$", "malformed"},                                  //
        BadHash{"BcryptTooLong", kBcrypt + "e", "malformed"},                              //
        BadHash{"Sha512NoSalt", "$6$$" + kDigest86, "malformed"},                          //
        BadHash{"Sha512LongSalt", "$6$saltsaltsaltsalts$" + kDigest86, "malformed"},       //
        BadHash{"Sha512CutOff", kSha512.substr(0, 97), "cut off"},                         //
        BadHash{"Sha512TooDear", "$6$rounds=1000001$saltsalt$" + kDigest86, "more than"},  //
        BadHash{"Sha512RoundsOverflow", "$6$rounds=99999999999999999999$saltsalt$" + kDigest86, "more than"},
        BadHash{"Sha512TooCheap", "$6$rounds=999$saltsalt$" + kDigest86, "malformed"},         //
        BadHash{"Sha512LeadingNought", "$6$rounds=05000$saltsalt$" + kDigest86, "malformed"},  //
        BadHash{"Sha512NoRounds", "$6$rounds=$saltsalt$" + kDigest86, "malformed"},            //
        BadHash{"Sha512RoundsAndNothing", "$6$rounds=5000", "malformed"},                      //
        BadHash{"Md5NoHash", "$1$saltsalt$", "cut off"},                                       //
        BadHash{"YescryptOtherFlavour", "$y$/75$saltsalt$5wlMXHz82Iqiv0ywbT8h3LCVssbi3h0Xh43jM7E7Tr2",
                "does not choose"},
        BadHash{"YescryptMoreParameters", "$y$j75..$saltsalt$5wlMXHz82Iqiv0ywbT8h3LCVssbi3h0Xh43jM7E7Tr2",
                "does not choose"},
        BadHash{"YescryptTooLarge", "$y$jFT$saltsalt$IFUVMd9IZg.1qt0VDKUmwCd8zfLLrtDA9mffjiD5skD", "MiB"},
        BadHash{"YescryptLargest", "$y$jjj$saltsalt$IFUVMd9IZg.1qt0VDKUmwCd8zfLLrtDA9mffjiD5skD", "MiB"},
        BadHash{"YescryptNoParameters", "$y$", "does not choose"}),
    [](const auto& row) { return row.param.name; });

TEST(OldDigest, OfWhatCryptCannotBeAskedMatchesNothing)
{
    const auto setting = kBcrypt.substr(0, 29);
    EXPECT_TRUE(old_digest(OldScheme::crypt, setting, secret(std::string(600, 'x'))).empty());
    EXPECT_TRUE(old_digest(OldScheme::crypt, setting, secret(std::string("correct horse\0x", 15))).empty());
}

TEST(OldDigest, OfASettingThatIsNoneIsAnError)
{
    for (const auto* const setting : {"", "$2y$04$", "$6$saltsalt", "$2y$31$abcdefghijklmnopqrstuu"}) {
        EXPECT_THROW((void)old_digest(OldScheme::crypt, setting, secret("x")), std::runtime_error) << setting;
    }
    EXPECT_THROW((void)old_digest(OldScheme::apr1, "$apr1$", secret("x")), std::runtime_error);
}

struct NoStoredHash {
    std::string name;
    std::string stored;
};

class StoredHashOfNothing : public testing::TestWithParam<NoStoredHash> {};

TEST_P(StoredHashOfNothing, MatchesNothing)
{
    for (const auto* const password : {"", "correct horse"})
        EXPECT_FALSE(matches_stored_hash(secret(password), GetParam().stored));
}

const std::string kPhc =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";  // of `password`

INSTANTIATE_TEST_SUITE_P(WrappedHash, StoredHashOfNothing,
                         testing::Values(NoStoredHash{"Empty", ""},                                  //
                                         NoStoredHash{"OldHashAsItIs", kSha256},                     //
                                         NoStoredHash{"Prefix", "$over$"},                           //
                                         NoStoredHash{"SchemeOnly", "$over$sha256"},                 //
                                         NoStoredHash{"NoSetting", "$over$sha256$"},                 //
                                         NoStoredHash{"NoPhc", "$over$sha256$$"},                    //
                                         NoStoredHash{"UnknownScheme", "$over$md4$" + kPhc},         //
                                         NoStoredHash{"SettingNotBase64", "$over$sha256$!" + kPhc},  //
                                         NoStoredHash{"AnotherOverIt", "$over$sha256$$over$sha256$" + kPhc},
                                         NoStoredHash{"PhcCutOff", "$over$sha256$" + kPhc.substr(0, 60)}),
                         [](const auto& row) { return row.param.name; });

TEST(MatchesStoredHash, TakesAPhcStringAsItIs)
{
    EXPECT_TRUE(matches_stored_hash(secret("password"), kPhc));
    EXPECT_FALSE(matches_stored_hash(secret("Password"), kPhc));
}

}  // namespace
}  // namespace securelogin::auth
