#include "server/auth/recovery_codes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/fake_random.hpp"

namespace securelogin::auth {
namespace {

using testing::MatchesRegex;

MasterKey master(char octet) { return MasterKey(Secret::copy_of(std::string(MasterKey::kSize, octet))); }

TEST(GenerateRecoveryCodes, TenOfEightyBits)
{
    support::FakeRandom random;
    std::set<std::string> seen;
    std::set<char> symbols;
    for (int draw = 0; draw < 50; ++draw) {
        const auto codes = generate_recovery_codes(random);
        ASSERT_EQ(codes.size(), 10U);
        for (const auto& code : codes) {
            EXPECT_THAT(std::string(code.view()),
                        MatchesRegex("[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}"));
            EXPECT_TRUE(seen.emplace(code.view()).second);
            EXPECT_TRUE(parse_recovery_code(code.view()));
            symbols.insert(code.view().begin(), code.view().end());
        }
    }
    symbols.erase('-');
    EXPECT_EQ(symbols.size(), 32U);  // 5 bits for each of 16
    for (const char alike : {'I', '1', 'O', '0'}) EXPECT_FALSE(symbols.contains(alike)) << alike;
}

TEST(GenerateRecoveryCodes, NoTwoAreAlike)
{
    support::FakeRandom random;
    random.draw_next({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,  //
                      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
    std::set<std::string> codes;
    for (const auto& code : generate_recovery_codes(random)) codes.emplace(code.view());
    EXPECT_EQ(codes.size(), 10U);
}

struct ParseCase {
    std::string name;
    std::string typed;
    std::optional<std::string> parsed;
};

class ParseRecoveryCode : public testing::TestWithParam<ParseCase> {};

TEST_P(ParseRecoveryCode, TakesTheFormAndNothingElse)
{
    const auto parsed = parse_recovery_code(GetParam().typed);
    EXPECT_EQ(parsed ? std::optional(std::string(parsed->view())) : std::nullopt, GetParam().parsed);
}

INSTANTIATE_TEST_SUITE_P(Codes, ParseRecoveryCode,
                         testing::Values(ParseCase{"AsShown", "ABCD-EFGH-JKLM-2345", "ABCDEFGHJKLM2345"},
                                         ParseCase{"LowerCase", "abcd-efgh-jklm-2345", "ABCDEFGHJKLM2345"},
                                         ParseCase{"WithoutHyphens", "ABCDEFGHJKLM2345", "ABCDEFGHJKLM2345"},
                                         ParseCase{"OtherHyphens", "AB-CDEFGHJKLM23-45", "ABCDEFGHJKLM2345"},
                                         ParseCase{"AllDigits", "2345-6789-2345-6789", "2345678923456789"}),
                         [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(None, ParseRecoveryCode,
                         testing::Values(ParseCase{"Empty", "", {}}, ParseCase{"OnlyHyphens", "----", {}},
                                         ParseCase{"SixDigits", "234567", {}},
                                         ParseCase{"EightDigits", "23456789", {}},
                                         ParseCase{"TooShort", "ABCD-EFGH-JKLM-234", {}},
                                         ParseCase{"TooLong", "ABCD-EFGH-JKLM-23456", {}},
                                         ParseCase{"Twice", "ABCDEFGHJKLM2345ABCDEFGHJKLM2345", {}},
                                         ParseCase{"LookAlikeOfO", "0BCD-EFGH-JKLM-2345", {}},
                                         ParseCase{"LookAlikeOfI", "1BCD-EFGH-JKLM-2345", {}},
                                         ParseCase{"LetterO", "OBCD-EFGH-JKLM-2345", {}},
                                         ParseCase{"LetterI", "IBCD-EFGH-JKLM-2345", {}},
                                         ParseCase{"BlankBehind", "ABCD-EFGH-JKLM-2345 ", {}},
                                         ParseCase{"BlankBefore", " ABCD-EFGH-JKLM-2345", {}},
                                         ParseCase{"Blanks", "ABCD EFGH JKLM 2345", {}},
                                         ParseCase{"Nul", std::string("ABCD-EFGH-JKLM-2345\0", 20), {}},
                                         ParseCase{"OtherHyphen",
                                                   "ABCD\xE2\x80\x90"
                                                   "EFGHJKLM2345",
                                                   {}},
                                         ParseCase{"WideLetters",
                                                   "\xEF\xBC\xA1"
                                                   "BCDEFGHJKLM2345",
                                                   {}}),
                         [](const auto& row) { return row.param.name; });

TEST(RecoveryCodeKeyer, TellsCodesUsersAndInstallationsApart)
{
    const RecoveryCodeKeyer keyer{NameKeyer(master('a'))};
    const RecoveryCodeKeyer other{NameKeyer(master('b'))};
    constexpr auto code = "ABCDEFGHJKLM2345";
    const auto hash = keyer(UserId{17}, code);
    EXPECT_EQ(hash, keyer(UserId{17}, code));
    EXPECT_NE(hash, keyer(UserId{17}, "ABCDEFGHJKLM2346"));
    EXPECT_NE(hash, keyer(UserId{18}, code));
    EXPECT_NE(hash, keyer(UserId{17 << 8}, code));
    EXPECT_NE(hash, other(UserId{17}, code));
}

TEST(RecoveryCodeKeyer, StaysWithTheNamesKey)
{
    // As a rotated installation has it: another master key, the kept key of names.
    const RecoveryCodeKeyer before{NameKeyer(master('a'))};
    const RecoveryCodeKeyer after{NameKeyer(NameKeyer::key_of(master('a')))};
    EXPECT_EQ(before(UserId{17}, "ABCDEFGHJKLM2345"), after(UserId{17}, "ABCDEFGHJKLM2345"));
}

TEST(RecoveryCodeKeyer, HashesWhatIsShownAsWhatIsTyped)
{
    support::FakeRandom random;
    const RecoveryCodeKeyer keyer{NameKeyer(master('a'))};
    const auto codes = generate_recovery_codes(random);
    const auto hashes = keyer.hashes(UserId{17}, codes);
    ASSERT_EQ(hashes.size(), codes.size());
    for (std::size_t at = 0; at < codes.size(); ++at) {
        std::string lower(codes[at].view());
        for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        const auto typed = parse_recovery_code(lower);
        ASSERT_TRUE(typed);
        EXPECT_EQ(keyer(UserId{17}, typed->view()), hashes[at]);
    }
}

}  // namespace
}  // namespace securelogin::auth
