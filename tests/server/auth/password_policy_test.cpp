#include "server/auth/password_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/text.hpp"
#include "tests/support/fake_random.hpp"

namespace securelogin::auth {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kContext = {"alice", "SecureLogin", "auth.example.net"};

std::string repeated(std::string_view text, std::size_t times)
{
    std::string all;
    for (; times > 0; --times) all += text;
    return all;
}

std::optional<std::string> prepared(std::string_view typed)
{
    const auto password = prepare_password(typed);
    return password ? std::optional(std::string(password->view())) : std::nullopt;
}

struct PrepareCase {
    std::string name;
    std::string typed;
    std::optional<std::string> prepared;
};

class PreparePassword : public testing::TestWithParam<PrepareCase> {};

TEST_P(PreparePassword, GivesTheFormThatIsHashed)
{
    EXPECT_EQ(prepared(GetParam().typed), GetParam().prepared);
}

INSTANTIATE_TEST_SUITE_P(
    Password, PreparePassword,
    testing::Values(
        PrepareCase{"AsciiAsItIs", " Tr0ub4dor&3 ", " Tr0ub4dor&3 "}, PrepareCase{"Empty", "", ""},
        PrepareCase{"Composed", "u\xCC\x88nsicher", "\xC3\xBCnsicher"},
        PrepareCase{"ComposedAlready", "\xC3\xBCnsicher", "\xC3\xBCnsicher"},
        PrepareCase{"MarksInOrder", "q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87"},
        PrepareCase{"Hangul", "\xE1\x84\x80\xE1\x85\xA1", "\xEA\xB0\x80"},
        PrepareCase{"AngstromSign", "\xE2\x84\xAB", "\xC3\x85"},
        PrepareCase{"NoCompatibilityForms", "\xEF\xAC\x81", "\xEF\xAC\x81"},
        PrepareCase{"CapitalsStay", "\xC3\x84\xC3\xA4", "\xC3\x84\xC3\xA4"},
        PrepareCase{"NoBreakSpace", "a\xC2\xA0z", "a z"},
        PrepareCase{
            "AllOtherBlanks",
            "\xE1\x9A\x80|\xE2\x80\x80|\xE2\x80\x83|\xE2\x80\x8A|\xE2\x80\xAF|\xE2\x81\x9F|\xE3\x80\x80",
            " | | | | | | "},
        PrepareCase{"WhatIsNoBlankStays", "\xE2\x80\x8B\xE2\x80\x90\t", "\xE2\x80\x8B\xE2\x80\x90\t"},
        PrepareCase{"LongestInAscii", std::string(256, 'x'), std::string(256, 'x')},
        PrepareCase{"LongestInEmoji", repeated("\xF0\x9F\x94\x91", 256), repeated("\xF0\x9F\x94\x91", 256)},
        PrepareCase{"LongestOnceComposed", repeated("u\xCC\x88", 256), repeated("\xC3\xBC", 256)}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Nobodys, PreparePassword,
    testing::Values(PrepareCase{"TooLong", std::string(257, 'x'), {}},                     //
                    PrepareCase{"TooLongInEmoji", repeated("\xF0\x9F\x94\x91", 257), {}},  //
                    // Musical symbols that NFC takes apart: 128 of them are 256, 129 are too many.
                    PrepareCase{"TooLongOnceNormalized", repeated("\xF0\x9D\x85\x9E", 129), {}},  //
                    PrepareCase{"Latin1", "unsicher\xFC", {}},                                    //
                    PrepareCase{"Overlong", "a\xC0\x80z", {}},                                    //
                    PrepareCase{"Surrogate", "\xED\xA0\x80", {}},                                 //
                    PrepareCase{"Truncated", "passwor\xC3", {}}),
    [](const auto& row) { return row.param.name; });

struct AcceptCase {
    std::string name;
    std::string password;
};

class AcceptedPassword : public testing::TestWithParam<AcceptCase> {};

TEST_P(AcceptedPassword, ForLackOfAReason)
{
    const auto password = prepare_password(GetParam().password);
    ASSERT_TRUE(password);
    EXPECT_EQ(why_refused(*password, kContext), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Password, AcceptedPassword,
    testing::Values(AcceptCase{"FourWords", "correct horse battery staple"},                            //
                    AcceptCase{"EightRandomSigns", "j7#kQ2!x"},                                         //
                    AcceptCase{"NoCompositionRule", "vqmzkxwpjh"},                                      //
                    AcceptCase{"OnlyDigits", "8403962751940382"},                                       //
                    AcceptCase{"OtherScripts", "\xD0\xBF\xD0\xB0\xD1\x80\xD0\xBE\xD0\xBB\xD1\x8C-12"},  //
                    AcceptCase{"Emoji", repeated("\xF0\x9F\x94\x91\xF0\x9F\x90\xB4", 1) + " kettle"},   //
                    // No bans of substrings: what is added must carry it alone.
                    AcceptCase{"NameInside", "alice prefers violet tractors"},  //
                    AcceptCase{"BlanksAround", "  mud zeppelin quartz  "},      //
                    AcceptCase{"Longest", repeated("mud zeppelin quartz ", 12) + "0123456789abcdef"}),
    [](const auto& row) { return row.param.name; });

struct RefuseCase {
    std::string name;
    std::string password;
    std::string reason;  // a part of the sentence
};

class RefusedPassword : public testing::TestWithParam<RefuseCase> {};

TEST_P(RefusedPassword, WithTheReason)
{
    const auto reason = why_refused(Secret::copy_of(GetParam().password), kContext);
    ASSERT_TRUE(reason);
    EXPECT_THAT(*reason, HasSubstr(GetParam().reason));
    EXPECT_TRUE(reason->ends_with('.'));
    EXPECT_EQ(reason->find(GetParam().password), std::string::npos) << "the password itself is told";
}

INSTANTIATE_TEST_SUITE_P(
    Password, RefusedPassword,
    testing::Values(RefuseCase{"SevenCharacters", "j7#kQ2!", "at least 8"},                          //
                    RefuseCase{"SevenInManyOctets", repeated("\xF0\x9F\x94\x91", 7), "at least 8"},  //
                    RefuseCase{"TooLong", repeated("j7#kQ2!x", 33), "at most 256"},                  //
                    RefuseCase{"ControlCharacter", "j7#kQ2!x\x1B", "cannot be seen"},                //
                    RefuseCase{"Nul", std::string("j7#kQ2!x\0", 9), "cannot be seen"},               //
                    RefuseCase{"ZeroWidthSpace", "j7#kQ2!x\xE2\x80\x8B", "cannot be seen"},          //
                    RefuseCase{"WritingDirection", "j7#kQ2!x\xE2\x80\xAE", "cannot be seen"},        //
                    RefuseCase{"Unassigned", "j7#kQ2!x\xF3\xA0\x80\x80", "cannot be seen"},          //
                    RefuseCase{"PrivateUse", "j7#kQ2!x\xEE\x80\x80", "cannot be seen"},              //
                    RefuseCase{"Common", "password123", "common"},                                   //
                    RefuseCase{"CommonInCapitals", "PassWord123", "common"},                         //
                    RefuseCase{"CommonInLeet", "p@ssw0rd1", "common"},                               //
                    RefuseCase{"CommonBackwards", "321drowssap", "common"},                          //
                    RefuseCase{"Digits", "12345678", "easy to guess"},                               //
                    RefuseCase{"OwnName", "alice2024", "your name"},                                 //
                    RefuseCase{"OwnNameInCapitals", "ALICE2024", "your name"},                       //
                    RefuseCase{"OwnNameTwice", "alicealice", "easy to guess"},                       //
                    RefuseCase{"ProductsName", "securelogin1", "server's"},                          //
                    RefuseCase{"HostsName", "auth.example.net", "server's"},                         //
                    RefuseCase{"PartOfTheHostsName", "example1!", "easy to guess"},                  //
                    RefuseCase{"Repetition", "aaaaaaaaaaaaaaaa", "repetition"},                      //
                    RefuseCase{"Umlauts", repeated("\xC3\xBC", 8), "repetition"},                    //
                    RefuseCase{"Alphabet", "abcdefghijkl", "easy to guess"},                         //
                    RefuseCase{"KeyboardWalk", "qwertyuiop", "easy to guess"},                       //
                    RefuseCase{"Date", "1985-12-24", "easy to guess"},                               //
                    RefuseCase{"LongButDull", std::string(256, 'a'), "repetition"},                  //
                    RefuseCase{"LongAndDullAsWords", repeated("password", 32), "easy to guess"}),
    [](const auto& row) { return row.param.name; });

// What is at the head of every published list of common passwords and is long enough: the estimator is to
// know all of it.
TEST(WhyRefused, KnowsCommonPasswords)
{
    for (const auto* common :
         {"12345678",    "123456789",  "1234567890", "password",   "password1",     "qwerty123",
          "iloveyou",    "sunshine",   "princess",   "football",   "baseball",      "welcome1",
          "superman",    "trustno1",   "letmein1",   "letmein123", "dragon123",     "monkey123",
          "abc12345",    "abcd1234",   "qwertyuiop", "1q2w3e4r",   "1q2w3e4r5t",    "zaq12wsx",
          "1qaz2wsx",    "qazwsxedc",  "passw0rd",   "P@ssw0rd",   "Password1!",    "Passw0rd!",
          "Welcome123",  "admin123",   "Admin@123",  "Pass@123",   "administrator", "changeme",
          "changeme1",   "starwars",   "computer",   "whatever",   "michelle",      "jennifer",
          "liverpool",   "chocolate",  "butterfly",  "jordan23",   "asdfghjkl",     "asdf1234",
          "11111111",    "00000000",   "88888888",   "87654321",   "987654321",     "Summer2024",
          "Winter2023!", "Spring2025", "Qwerty123!", "test1234",   "guest123",      "root1234",
          "secret123",   "hello123",   "aa123456",   "Aa123456",   "a1b2c3d4",      "zxcvbnm1",
          "zxcvbnm123",  "google123",  "pokemon1",   "naruto123"}) {
        EXPECT_TRUE(why_refused(Secret::copy_of(common), {})) << common;
    }
}

TEST(WhyRefused, NeedsNoContext)
{
    EXPECT_TRUE(why_refused(Secret::copy_of("password123"), {}));
    EXPECT_FALSE(why_refused(Secret::copy_of("correct horse battery staple"), {}));
}

TEST(WhyRefused, IsNotUpsetByOddContext)
{
    const std::vector<std::string> odd = {
        "", "-", "...", "a", std::string("nul\0inside", 10), "\xFF\xFE\xFD\xFC"};
    EXPECT_FALSE(why_refused(Secret::copy_of("correct horse battery staple"), odd));
    EXPECT_TRUE(why_refused(Secret::copy_of("password123"), odd));
}

TEST(GeneratePassword, IsAHundredBitsThatCanBeReadOut)
{
    support::FakeRandom random;
    std::set<std::string> seen;
    std::set<char> symbols;
    for (int draw = 0; draw < 200; ++draw) {
        const auto password = generate_password(random);
        EXPECT_THAT(std::string(password.view()),
                    testing::MatchesRegex("[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}"));
        EXPECT_EQ(why_refused(password, kContext), std::nullopt);
        EXPECT_TRUE(seen.emplace(password.view()).second);
        symbols.insert(password.view().begin(), password.view().end());
    }
    symbols.erase('-');
    EXPECT_EQ(symbols.size(), 32U);  // 5 bits for each of 20
    for (const char alike : {'l', '1', 'o', '0'}) EXPECT_FALSE(symbols.contains(alike)) << alike;
}

}  // namespace
}  // namespace securelogin::auth
