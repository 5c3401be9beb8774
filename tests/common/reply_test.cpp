#include "common/reply.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace securelogin {
namespace {

struct WireCase {
    std::string name;
    Reply reply;
    std::string wire;
};

class ToWire : public testing::TestWithParam<WireCase> {};

TEST_P(ToWire, WritesLinesThatEndInCrLf) { EXPECT_EQ(to_wire(GetParam().reply), GetParam().wire); }

INSTANTIATE_TEST_SUITE_P(
    Reply, ToWire,
    testing::Values(
        WireCase{"Plain", {530, "Login failed"}, "530 Login failed\r\n"},
        WireCase{"WithoutText", {250, ""}, "250 \r\n"},
        WireCase{
            "Facts",
            {230, "Login successful", {{"user", "alice"}, {"last-login", "2026-11-21T08:00:12Z 192.0.2.7"}}},
            "230-user alice\r\n230-last-login 2026-11-21T08:00:12Z 192.0.2.7\r\n230 Login successful\r\n"},
        WireCase{"FactWithoutValue", {250, "OK", {{"key", ""}}}, "250-key \r\n250 OK\r\n"}),
    [](const auto& row) { return row.param.name; });

struct ParseCase {
    std::string name;
    std::string line;
    std::optional<ReplyLine> expected;
};

class ParseReplyLine : public testing::TestWithParam<ParseCase> {};

TEST_P(ParseReplyLine, TellsItsParts)
{
    const auto& row = GetParam();
    const auto parsed = parse_reply_line(row.line);
    ASSERT_EQ(parsed.has_value(), row.expected.has_value());
    if (!parsed) return;
    EXPECT_EQ(parsed->code, row.expected->code);
    EXPECT_EQ(parsed->last, row.expected->last);
    EXPECT_EQ(parsed->key, row.expected->key);
    EXPECT_EQ(parsed->text, row.expected->text);
}

INSTANTIATE_TEST_SUITE_P(
    Reply, ParseReplyLine,
    testing::Values(
        ParseCase{"Last", "230 Login successful", ReplyLine{230, true, "", "Login successful"}},     //
        ParseCase{"LastWithoutText", "250 ", ReplyLine{250, true, "", ""}},                          //
        ParseCase{"TextWithDashAndDigits", "220 a-b 230-x", ReplyLine{220, true, "", "a-b 230-x"}},  //
        ParseCase{"TextStartsWithBlanks", "220   x", ReplyLine{220, true, "", "  x"}},               //
        ParseCase{"Fact", "230-user alice", ReplyLine{230, false, "user", "alice"}},                 //
        ParseCase{"ValueWithBlanks", "230-last-login 2026 192.0.2.7",
                  ReplyLine{230, false, "last-login", "2026 192.0.2.7"}},
        ParseCase{"FactWithoutValue", "230-user ", ReplyLine{230, false, "user", ""}},  //
        ParseCase{"FactWithoutBlank", "230-user", ReplyLine{230, false, "user", ""}},   //
        ParseCase{"Smallest", "100 x", ReplyLine{100, true, "", "x"}},                  //
        ParseCase{"Largest", "999 x", ReplyLine{999, true, "", "x"}}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(NoReply, ParseReplyLine,
                         testing::Values(ParseCase{"Empty", "", {}},                          //
                                         ParseCase{"OneDigit", "2", {}},                      //
                                         ParseCase{"TwoDigits", "23 x", {}},                  //
                                         ParseCase{"NothingAfterTheDigits", "230", {}},       //
                                         ParseCase{"FourDigits", "2301 x", {}},               //
                                         ParseCase{"LeadingZero", "030 x", {}},               //
                                         ParseCase{"NoSeparator", "230x", {}},                //
                                         ParseCase{"Tab", "230\tx", {}},                      //
                                         ParseCase{"BlankBefore", " 230 x", {}},              //
                                         ParseCase{"Sign", "+23 x", {}},                      //
                                         ParseCase{"Letters", "abc x", {}},                   //
                                         ParseCase{"LettersAfterADigit", "2ab x", {}},        //
                                         ParseCase{"OtherDigits", "\xD9\xA2\xD9\xA3 x", {}},  //
                                         ParseCase{"NoKey", "230-", {}},                      //
                                         ParseCase{"BlankForAKey", "230- alice", {}}),
                         [](const auto& row) { return row.param.name; });

TEST(ParseReplyLine, ReadsWhatToWireWrites)
{
    const auto wire = to_wire({230, "Login successful", {{"user", "alice"}}});
    const auto fact = parse_reply_line(std::string_view(wire).substr(0, wire.find('\r')));
    ASSERT_TRUE(fact);
    EXPECT_EQ(fact->key, "user");
    EXPECT_EQ(fact->text, "alice");
}

TEST(ForgetValues, OverwritesValuesAndKeepsTheRest)
{
    Reply reply{250, "Done", {{"recovery-code", "ABCD-EFGH-JKLM-2345"}, {"empty", ""}}};
    forget_values(reply);
    EXPECT_EQ(reply.facts[0].first, "recovery-code");
    EXPECT_EQ(reply.facts[0].second, std::string(19, '\0'));
    EXPECT_EQ(reply.facts[1].second, "");
    EXPECT_EQ(reply.text, "Done");
}

}  // namespace
}  // namespace securelogin
