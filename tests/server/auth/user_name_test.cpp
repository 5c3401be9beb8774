#include "server/auth/user_name.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace securelogin::auth {
namespace {

using namespace std::string_view_literals;

struct NameCase {
    std::string name;
    std::string typed;
    std::optional<std::string> folded;
};

class ParseUserName : public testing::TestWithParam<NameCase> {};

TEST_P(ParseUserName, HasOneSpelling)
{
    const auto& row = GetParam();
    const auto parsed = UserName::parse(row.typed);
    EXPECT_EQ(parsed ? std::optional(parsed->str()) : std::nullopt, row.folded);
}

INSTANTIATE_TEST_SUITE_P(UserName, ParseUserName,
                         testing::Values(NameCase{"Plain", "alice", "alice"},         //
                                         NameCase{"Folded", "ALiCE", "alice"},        //
                                         NameCase{"OneLetter", "Z", "z"},             //
                                         NameCase{"OneDigit", "7", "7"},              //
                                         NameCase{"AllSigns", "a.b_c-d", "a.b_c-d"},  //
                                         NameCase{"SignAtTheEnd", "a-", "a-"},        //
                                         NameCase{"Longest", std::string(64, 'A'), std::string(64, 'a')}),
                         [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Nobody, ParseUserName,
                         testing::Values(NameCase{"Empty", "", {}},                        //
                                         NameCase{"TooLong", std::string(65, 'a'), {}},    //
                                         NameCase{"DotFirst", ".alice", {}},               //
                                         NameCase{"DashFirst", "-alice", {}},              //
                                         NameCase{"UnderscoreFirst", "_alice", {}},        //
                                         NameCase{"BlankBefore", " alice", {}},            //
                                         NameCase{"BlankAfter", "alice ", {}},             //
                                         NameCase{"Blank", "alice smith", {}},             //
                                         NameCase{"At", "alice@example.net", {}},          //
                                         NameCase{"Slash", "a/b", {}},                     //
                                         NameCase{"Backslash", "a\\b", {}},                //
                                         NameCase{"BeforeTheLetters", "a`", {}},           //
                                         NameCase{"AfterTheLetters", "a{", {}},            //
                                         NameCase{"BeforeTheDigits", "a/", {}},            //
                                         NameCase{"AfterTheDigits", "a:", {}},             //
                                         NameCase{"Umlaut", "j\xC3\xBCrgen", {}},          //
                                         NameCase{"KelvinSignIsNoK", "\xE2\x84\xAA", {}},  //
                                         NameCase{"Latin1", "j\xFCrgen", {}},              //
                                         NameCase{"Nul", std::string("alice\0", 6), {}},   //
                                         NameCase{"LineFeed", "alice\n", {}}),
                         [](const auto& row) { return row.param.name; });

TEST(FoldCase, TouchesAsciiCapitalsOnly)
{
    EXPECT_EQ(fold_case("@AZ[`az{ \xC3\x84\0"sv), "@az[`az{ \xC3\x84\0"sv);
}

}  // namespace
}  // namespace securelogin::auth
