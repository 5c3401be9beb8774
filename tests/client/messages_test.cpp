#include "client/messages.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <ctime>

namespace securelogin::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class InUtc : public testing::Environment {
  public:
    void SetUp() override
    {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
};
[[maybe_unused]] const auto* const kInUtc = testing::AddGlobalTestEnvironment(new InUtc);

Reply logged_in(std::vector<std::pair<std::string, std::string>> facts)
{
    return {.code = code::kLoggedIn, .text = "Login successful", .facts = std::move(facts)};
}

TEST(Results, AreKeyAndValue)
{
    EXPECT_THAT(
        result_lines({.code = 250, .text = "OK", .facts = {{"user", "alice"}, {"flag", ""}, {"a", "b c"}}}),
        ElementsAre("user alice", "flag", "a b c"));
}

TEST(Results, OfAPlainDoneAreNone) { EXPECT_THAT(result_lines({.code = 250, .text = "OK"}), IsEmpty()); }

TEST(Results, OfAPlainHelpAreItsText)
{
    EXPECT_THAT(result_lines({.code = 214, .text = "HELP QUIT"}), ElementsAre("HELP QUIT"));
}

struct PromptRow {
    const char* name;
    std::string who;
    std::string text;
    std::string shown;
};

class Prompt : public testing::TestWithParam<PromptRow> {};

TEST_P(Prompt, SaysWhoAsksForWhat) { EXPECT_EQ(prompt(GetParam().who, GetParam().text), GetParam().shown); }

INSTANTIATE_TEST_SUITE_P(
    Messages, Prompt,
    testing::Values(
        PromptRow{"Plain", "alice@a", "Password:", "(alice@a) Password: "},
        PromptRow{"Empty", "a", "", "(a)  "},
        PromptRow{"LongTextIsCut", "a", std::string(101, 'x'), "(a) " + std::string(100, 'x') + "... "},
        PromptRow{"LongestTextIsNot", "a", std::string(100, 'x'), "(a) " + std::string(100, 'x') + " "},
        PromptRow{"LongNameIsCut", std::string(101, 'x'), "P:", "(" + std::string(100, 'x') + "...) P: "},
        PromptRow{"CutBetweenCharacters", "a", std::string(99, 'x') + "\xC3\xBC\xC3\xBC",
                  "(a) " + std::string(99, 'x') + "\xC3\xBC... "},
        PromptRow{"Escape", "a", "\x1b[2JPassword:", "(a) \\x1b[2JPassword: "},
        PromptRow{"RightToLeftOverride", "a", "\xE2\x80\xAE:drowssaP", "(a) \\xe2\\x80\\xae:drowssaP "},
        PromptRow{"EscapeInTheName", "\x1b@a", "P:", "(\\x1b@a) P: "}),
    [](const auto& row) { return row.param.name; });

struct WarningRow {
    const char* name;
    std::vector<std::pair<std::string, std::string>> facts;
    std::optional<std::string> starts;
};

class FailuresWarning : public testing::TestWithParam<WarningRow> {};

TEST_P(FailuresWarning, IsGivenWhereThereWereFailures)
{
    const auto warning = failures_warning(logged_in(GetParam().facts));
    ASSERT_EQ(warning.has_value(), GetParam().starts.has_value());
    if (warning) {
        EXPECT_THAT(*warning, testing::StartsWith(*GetParam().starts));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Messages, FailuresWarning,
    testing::Values(WarningRow{"None", {}, {}}, WarningRow{"Zero", {{"failures-since", "0"}}, {}},
                    WarningRow{"One", {{"failures-since", "1"}}, "1 failed attempt to"},
                    WarningRow{"Three", {{"failures-since", "3"}}, "3 failed attempts to"},
                    WarningRow{"Negative", {{"failures-since", "-1"}}, "-1 failed attempts"},
                    WarningRow{"NoNumber", {{"failures-since", "many"}}, "many failed attempts"},
                    WarningRow{"Huge", {{"failures-since", "99999999999"}}, "99999999999 failed"}),
    [](const auto& row) { return row.param.name; });

class WornKeyWarning : public testing::TestWithParam<WarningRow> {};

TEST_P(WornKeyWarning, IsGivenWhereTheServerSaysSo)
{
    const auto warning = worn_key_warning(logged_in(GetParam().facts));
    ASSERT_EQ(warning.has_value(), GetParam().starts.has_value());
    if (warning) {
        EXPECT_THAT(*warning, testing::StartsWith(*GetParam().starts));
        EXPECT_THAT(*warning, testing::HasSubstr("change your password"));
        EXPECT_THAT(*warning, testing::HasSubstr("new key"));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Messages, WornKeyWarning,
    testing::Values(WarningRow{"None", {}, {}}, WarningRow{"Empty", {{"code-failures", ""}}, {}},
                    WarningRow{"Half", {{"code-failures", "52 103"}}, "52 of 103 wrong codes"},
                    WarningRow{"Locked", {{"code-failures", "103 103"}}, "103 of 103 wrong codes"},
                    WarningRow{"OneNumber", {{"code-failures", "52"}}, "\"52\" wrong codes"},
                    WarningRow{"NoNumbers", {{"code-failures", "a lot"}}, "\"a lot\" wrong codes"},
                    WarningRow{"Three", {{"code-failures", "1 2 3"}}, "\"1 2 3\" wrong codes"}),
    [](const auto& row) { return row.param.name; });

class RecoveryCodesWarning : public testing::TestWithParam<WarningRow> {};

TEST_P(RecoveryCodesWarning, IsGivenWhereTheServerSaysSo)
{
    const auto warning = recovery_codes_warning(logged_in(GetParam().facts));
    ASSERT_EQ(warning.has_value(), GetParam().starts.has_value());
    if (warning) {
        EXPECT_THAT(*warning, testing::StartsWith(*GetParam().starts));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Messages, RecoveryCodesWarning,
    testing::Values(WarningRow{"None", {}, {}}, WarningRow{"Empty", {{"recovery-codes", ""}}, {}},
                    WarningRow{"Nine", {{"recovery-codes", "9"}}, "9 recovery codes are left."},
                    WarningRow{"One", {{"recovery-codes", "1"}}, "1 recovery code is left."},
                    WarningRow{"Nought", {{"recovery-codes", "0"}}, "0 recovery codes are left."},
                    WarningRow{"NoNumber", {{"recovery-codes", "few"}}, "\"few\" recovery codes are left."}),
    [](const auto& row) { return row.param.name; });

TEST(MustChangePassword, OnlyWhereTheServerSaysYes)
{
    EXPECT_TRUE(must_change_password(logged_in({{"must-change-password", "yes"}})));
    EXPECT_FALSE(must_change_password(logged_in({{"must-change-password", "no"}})));
    EXPECT_FALSE(must_change_password(logged_in({{"must-change-password", ""}})));
    EXPECT_FALSE(must_change_password(logged_in({})));
}

struct RefusalRow {
    const char* name;
    std::vector<std::pair<std::string, std::string>> facts;
    const char* shown;
};

class Refusal : public testing::TestWithParam<RefusalRow> {};

TEST_P(Refusal, SaysHowLongToWait)
{
    EXPECT_EQ(refusal({.code = 450, .text = "Not now", .facts = GetParam().facts}), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(
    Messages, Refusal,
    testing::Values(RefusalRow{"NothingSaid", {}, "Not now"},
                    RefusalRow{"One", {{"retry-after", "1"}}, "Not now (in 1 second)"},
                    RefusalRow{"Eight", {{"retry-after", "8"}}, "Not now (in 8 seconds)"},
                    RefusalRow{"NoNumber", {{"retry-after", "soon"}}, "Not now"},
                    RefusalRow{"Negative", {{"retry-after", "-8"}}, "Not now"},
                    RefusalRow{"Empty", {{"retry-after", ""}}, "Not now"},
                    RefusalRow{"TooLarge", {{"retry-after", "99999999999999999999"}}, "Not now"},
                    RefusalRow{"WithTail", {{"retry-after", "8 years"}}, "Not now"}),
    [](const auto& row) { return row.param.name; });

TEST(Welcome, TellsWhatThereIsToTell)
{
    EXPECT_THAT(
        welcome(logged_in({{"user", "alice"},
                           {"expires", "2026-11-22T20:15:04Z"},
                           {"last-login", "2026-11-21T08:00:12Z 192.0.2.7"}})),
        ElementsAre("Login successful", "Last login: Sat 21 Nov 2026 08:00:12 UTC from 192.0.2.7",
                    "The session ends: Sun 22 Nov 2026 20:15:04 UTC", testing::StartsWith("Type help")));
}

TEST(Welcome, OfAFirstLogin)
{
    EXPECT_THAT(welcome(logged_in({{"user", "alice"}})),
                ElementsAre("Login successful", testing::StartsWith("Type help")));
}

struct TimeRow {
    const char* name;
    const char* given;
    const char* shown;
};

class ShownTime : public testing::TestWithParam<TimeRow> {};

TEST_P(ShownTime, IsForPeopleOrAsItIs) { EXPECT_EQ(shown_time(GetParam().given), GetParam().shown); }

INSTANTIATE_TEST_SUITE_P(Messages, ShownTime,
                         testing::Values(TimeRow{"Time", "2026-01-02T03:04:05Z",
                                                 "Fri 02 Jan 2026 03:04:05 UTC"},
                                         TimeRow{"Empty", "", ""}, TimeRow{"Words", "yesterday", "yesterday"},
                                         TimeRow{"NoZone", "2026-01-02T03:04:05", "2026-01-02T03:04:05"},
                                         TimeRow{"Tail", "2026-01-02T03:04:05Z!", "2026-01-02T03:04:05Z!"},
                                         TimeRow{"Month13", "2026-13-02T03:04:05Z", "2026-13-02T03:04:05Z"}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::client
