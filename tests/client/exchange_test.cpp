#include "client/exchange.hpp"

#include <gmock/gmock.h>

#include "common/text.hpp"
#include "fakes.hpp"

namespace securelogin::client {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;
using Lines = std::vector<std::string>;

const std::string kHello = "220 a SecureLogin 1 ready\r\n330 Username:\r\n";
const std::string kPassword = "331 Password:\r\n";
const std::string kCode = "332 Code:\r\n";
const std::string kYes = "230-user alice\r\n230-session 6f1c\r\n230 Login successful\r\n";
const std::string kMustChange = "230-user alice\r\n230-must-change-password yes\r\n230 Login successful\r\n";
const std::string kFewCodes = "230-user alice\r\n230-recovery-codes 2\r\n230 Login successful\r\n";
const std::string kNo = "530 Login failed\r\n330 Username:\r\n";
const std::string kLastNo = "530 Login failed\r\n421 Too many attempts\r\n";
const std::string kLater = "450-retry-after 8\r\n450 Not now\r\n330 Username:\r\n";
const std::string kBye = "221 Bye\r\n";

/// The server's turns of a login that succeeds, and what it says to each line after it.
Lines after_login(Lines turns)
{
    turns.insert(turns.begin(), {kHello, kPassword, kCode, kYes});
    return turns;
}

/// What the person types to log in, and then.
Lines typed(Lines lines)
{
    lines.insert(lines.begin(), {"alice", "pw", "492039"});
    return lines;
}

enum class Mode { pipe, terminal, command };

struct Visit {
    const char* name;
    Mode mode;
    Lines turns;
    Lines answers;
    ExitCode code;
    Lines sent;           // without the line feeds
    std::string results;  // all of standard output
    std::string words;    // a part of what was shown, or of the failure
};

struct Outcome {
    ExitCode code;
    Lines sent;
    Shown shown;
};

Outcome visit(const Lines& turns, ScriptedAnswers& answers, Mode mode, const char* command = "whoami")
{
    Outcome outcome{};
    ScriptedWire wire(turns);
    Server server(wire, "a");
    auto display = outcome.shown.display(mode == Mode::terminal);
    Exchange::Plan plan{.place = "a"};
    if (mode == Mode::command) plan.command = command;
    const auto failure = failure_of([&] { outcome.code = Exchange(server, answers, display, plan).run(); });
    if (failure) {
        outcome.code = failure->first;
        outcome.shown.words += failure->second;
    }
    for (auto line : wire.sent) {
        if (!line.empty()) line.pop_back();
        outcome.sent.push_back(line);
    }
    return outcome;
}

class Visits : public testing::TestWithParam<Visit> {};

TEST_P(Visits, GoAsWrittenDown)
{
    const auto& row = GetParam();
    ScriptedAnswers answers(row.answers);
    const auto outcome = visit(row.turns, answers, row.mode, "passwd");
    EXPECT_EQ(outcome.code, row.code);
    EXPECT_THAT(outcome.sent, ElementsAreArray(row.sent));
    EXPECT_EQ(outcome.shown.results, row.results);
    EXPECT_THAT(outcome.shown.words, HasSubstr(row.words));
}

const std::string kLoginResults = "user alice\nsession 6f1c\n";

INSTANTIATE_TEST_SUITE_P(
    Exchange, Visits,
    testing::Values(
        // In a pipe: what is left over is a command; at the end it quits.
        Visit{"PipeLogsInAndQuits", Mode::pipe, after_login({kBye}), typed({}), ExitCode::success,
              typed({"QUIT"}), kLoginResults, ""},
        Visit{"PipeRunsWhatIsLeftOver", Mode::pipe, after_login({"250-user alice\r\n250 OK\r\n", kBye}),
              typed({"whoami"}), ExitCode::success, typed({"whoami", "QUIT"}), kLoginResults + "user alice\n",
              ""},
        Visit{"PipeSkipsBlankLines", Mode::pipe, after_login({kBye}), typed({"", "   "}), ExitCode::success,
              typed({"QUIT"}), kLoginResults, ""},
        Visit{"PipeStopsAtTheServersGoodbye", Mode::pipe, after_login({"221 Logged out\r\n"}),
              typed({"logout", "whoami"}), ExitCode::success, typed({"logout"}), kLoginResults, ""},
        Visit{"PipeTellsOfARefusedCommandAndGoesOn", Mode::pipe, after_login({"502 Unknown\r\n", kBye}),
              typed({"x"}), ExitCode::success, typed({"x", "QUIT"}), kLoginResults, "Unknown"},
        Visit{"PipeShowsHelp", Mode::pipe, after_login({"214-HELP this list\r\n214 End\r\n", kBye}),
              typed({"help"}), ExitCode::success, typed({"help", "QUIT"}), kLoginResults + "HELP this list\n",
              ""},
        Visit{"PipeServerThatLeavesWithoutGoodbye",
              Mode::pipe,
              {kHello, kPassword, kCode, kYes + kCloses},
              typed({}),
              ExitCode::unavailable,
              typed({}),
              kLoginResults,
              "connection lost"},
        Visit{"PipeServerThatLeavesAfterQuit", Mode::pipe, after_login({kCloses}), typed({}),
              ExitCode::success, typed({"QUIT"}), kLoginResults, ""},

        // A terminal: results of commands alone go to standard output.
        Visit{"TerminalGreets", Mode::terminal, after_login({kBye}), typed({}), ExitCode::success,
              typed({"QUIT"}), "", "Login successful"},
        Visit{"TerminalShowsResults", Mode::terminal, after_login({"250-user alice\r\n250 OK\r\n", kBye}),
              typed({"whoami"}), ExitCode::success, typed({"whoami", "QUIT"}), "user alice\n",
              "Login successful"},
        Visit{"TerminalSaysWhatWasDone", Mode::terminal, after_login({"250 Done so\r\n", kBye}), typed({"x"}),
              ExitCode::success, typed({"x", "QUIT"}), "", "Done so"},
        Visit{"TerminalCancelsANewPassword", Mode::terminal,
              after_login({kPassword, kCode, "333 New password:\r\n", "501 Cancelled\r\n", kBye}),
              typed({"passwd", "pw", "492040"}), ExitCode::success,
              typed({"passwd", "pw", "492040", "", "QUIT"}), "", "Cancelled"},

        // A password that must be changed: a person is asked at once, a script is told.
        Visit{"TerminalIsAskedForANewPasswordAtOnce",
              Mode::terminal,
              {kHello, kPassword, kCode, kMustChange, "333 New:\r\n", "250 Changed\r\n", kBye},
              typed({"new"}),
              ExitCode::success,
              typed({"PASSWD", "new", "QUIT"}),
              "",
              "has to be changed"},
        Visit{"TerminalTriesAnotherNewPasswordAtOnce",
              Mode::terminal,
              {kHello, kPassword, kCode, kMustChange, "333 New:\r\n", "553 Weak\r\n333 New:\r\n",
               "250 Changed\r\n", "250-user alice\r\n250 OK\r\n", kBye},
              typed({"weak", "new", "whoami"}),
              ExitCode::success,
              typed({"PASSWD", "weak", "new", "whoami", "QUIT"}),
              "user alice\n",
              "Changed"},
        Visit{"TerminalCancelsTheChange",
              Mode::terminal,
              {kHello, kPassword, kCode, kMustChange, "333 New:\r\n", "501 Cancelled\r\n", kBye},
              typed({}),
              ExitCode::success,
              typed({"PASSWD", "", "QUIT"}),
              "",
              "Cancelled"},
        Visit{"PipeIsToldOfTheChange",
              Mode::pipe,
              {kHello, kPassword, kCode, kMustChange, "333 New:\r\n", "250 Changed\r\n", kBye},
              typed({"passwd", "new"}),
              ExitCode::success,
              typed({"passwd", "new", "QUIT"}),
              "user alice\nmust-change-password yes\n",
              "has to be changed"},
        Visit{"CommandBeforeTheChangeIsRefused",
              Mode::command,
              {kHello, kPassword, kCode, kMustChange, "530 Password must be changed first\r\n", kBye},
              typed({}),
              ExitCode::login_failed,
              typed({"passwd", "QUIT"}),
              "",
              "Password must be changed first"},

        // Recovery codes.
        Visit{"TerminalIsToldThatFewCodesAreLeft",
              Mode::terminal,
              {kHello, kPassword, kCode, kFewCodes, kBye},
              typed({}),
              ExitCode::success,
              typed({"QUIT"}),
              "",
              "2 recovery codes are left."},
        Visit{"PipeShowsNewRecoveryCodes", Mode::pipe,
              after_login({kPassword, kCode,
                           "250-recovery-code ABCD-EFGH-JKLM-2345\r\n250-recovery-code "
                           "BBCD-EFGH-JKLM-2345\r\n250 Recovery codes replaced\r\n",
                           kBye}),
              typed({"codes", "pw", "492040"}), ExitCode::success, typed({"codes", "pw", "492040", "QUIT"}),
              kLoginResults + "recovery-code ABCD-EFGH-JKLM-2345\nrecovery-code BBCD-EFGH-JKLM-2345\n", ""},

        // A command: its results alone, and its success is the exit code.
        Visit{"CommandSucceeds", Mode::command, after_login({"250-user alice\r\n250 OK\r\n", kBye}),
              typed({}), ExitCode::success, typed({"passwd", "QUIT"}), "user alice\n", ""},
        Visit{"CommandQuits", Mode::command, after_login({"221 Bye\r\n"}), typed({}), ExitCode::success,
              typed({"passwd"}), "", ""},
        Visit{"CommandUnknown", Mode::command, after_login({"502 Unknown\r\n", kBye}), typed({}),
              ExitCode::usage, typed({"passwd", "QUIT"}), "", "running a command on a: Unknown"},
        Visit{"CommandWithBadArguments", Mode::command, after_login({"501 No arguments\r\n", kBye}),
              typed({}), ExitCode::usage, typed({"passwd", "QUIT"}), "", "No arguments"},
        Visit{"CommandRefused", Mode::command, after_login({kPassword, kCode, "530 Login failed\r\n", kBye}),
              typed({"x", "1"}), ExitCode::login_failed, typed({"passwd", "x", "1", "QUIT"}), "",
              "Login failed"},
        Visit{"CommandThrottled", Mode::command,
              after_login({kPassword, kCode, "450-retry-after 9\r\n450 No\r\n", kBye}), typed({"x", "1"}),
              ExitCode::try_later, typed({"passwd", "x", "1", "QUIT"}), "", "No (in 9 seconds)"},
        Visit{"CommandChangesThePassword", Mode::command,
              after_login({kPassword, kCode, "333 New:\r\n", "250 Changed\r\n", kBye}),
              typed({"pw", "1", "new"}), ExitCode::success, typed({"passwd", "pw", "1", "new", "QUIT"}), "",
              ""},
        Visit{"CommandTriesAnotherNewPassword", Mode::command,
              after_login({kPassword, kCode, "333 New:\r\n", "553 Weak\r\n333 New:\r\n", "250 Changed\r\n",
                           kBye}),
              typed({"pw", "1", "weak", "new"}), ExitCode::success,
              typed({"passwd", "pw", "1", "weak", "new", "QUIT"}), "", "Weak"},
        Visit{"CommandGivesUpAfterThreeNewPasswords", Mode::command,
              after_login({kPassword, kCode, "333 New:\r\n", "553 Weak\r\n333 New:\r\n",
                           "553 Weak\r\n333 New:\r\n", "553 Weak\r\n", kBye}),
              typed({"pw", "1", "a", "b", "c"}), ExitCode::login_failed,
              typed({"passwd", "pw", "1", "a", "b", "c", "QUIT"}), "", "Weak"},
        Visit{"CommandWhoseAnswersEnd", Mode::command, after_login({kPassword}), typed({}),
              ExitCode::login_failed, typed({"passwd"}), "", "answers ended"},
        Visit{"CommandWhoseServerCloses", Mode::command, after_login({"421 Session ended\r\n"}), typed({}),
              ExitCode::try_later, typed({"passwd"}), "", "Session ended"},

        // Refusals.
        Visit{"SecondAttemptSucceeds",
              Mode::pipe,
              {kHello, kPassword, kCode, kNo, kPassword, kCode, kYes, kBye},
              {"alice", "x", "1", "alice", "pw", "2"},
              ExitCode::success,
              {"alice", "x", "1", "alice", "pw", "2", "QUIT"},
              kLoginResults,
              "logging in to a: Login failed"},
        Visit{"InputEndsAfterA530",
              Mode::pipe,
              {kHello, kPassword, kCode, kNo},
              typed({}),
              ExitCode::login_failed,
              typed({}),
              "",
              "answers ended"},
        Visit{"InputEndsAfterA450",
              Mode::pipe,
              {kHello, kPassword, kCode, kLater},
              typed({}),
              ExitCode::try_later,
              typed({}),
              "",
              "Not now (in 8 seconds)"},
        Visit{"InputEndsAfterBoth",
              Mode::pipe,
              {kHello, kPassword, kCode, kNo, kPassword, kCode, kLater},
              {"a", "b", "c", "d", "e", "f"},
              ExitCode::login_failed,
              {"a", "b", "c", "d", "e", "f"},
              "",
              "answers ended"},
        Visit{"InputEndsBeforeTheName",
              Mode::pipe,
              {kHello},
              {},
              ExitCode::login_failed,
              {},
              "",
              "answers ended"},
        Visit{"InputEndsBeforeTheCode",
              Mode::pipe,
              {kHello, kPassword, kCode},
              {"alice", "pw"},
              ExitCode::login_failed,
              {"alice", "pw"},
              "",
              "answers ended"},
        Visit{"InputEndsAfterA530BeforeThePassword",
              Mode::pipe,
              {kHello, kPassword, kCode, kNo, kPassword},
              {"a", "b", "c", "d"},
              ExitCode::login_failed,
              {"a", "b", "c", "d"},
              "",
              "answers ended"},
        Visit{"ClosedAfterThree530",
              Mode::pipe,
              {kHello, kPassword, kCode, kNo, kPassword, kCode, kNo, kPassword, kCode, kLastNo},
              {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"},
              ExitCode::login_failed,
              {"a", "b", "c", "d", "e", "f", "g", "h", "i"},
              "",
              "Too many attempts"},
        Visit{"ClosedAfterA450",
              Mode::pipe,
              {kHello, kPassword, kCode, "450 Not now\r\n421 Enough\r\n"},
              typed({}),
              ExitCode::try_later,
              typed({}),
              "",
              "Enough"},
        Visit{"ClosedWithoutAWordAfterA530",
              Mode::pipe,
              {kHello, kPassword, kCode, "530 Login failed\r\n" + kCloses},
              typed({}),
              ExitCode::login_failed,
              typed({}),
              "",
              "Login failed"},
        Visit{"ClosedInThePlaceOfTheGreeting",
              Mode::pipe,
              {"421 Too many connections\r\n"},
              typed({}),
              ExitCode::try_later,
              {},
              "",
              "Too many connections"},
        Visit{"ClosedAfterTheGreeting",
              Mode::pipe,
              {"220 a\r\n421 Shutting down\r\n"},
              typed({}),
              ExitCode::try_later,
              {},
              "",
              "Shutting down"},
        Visit{"ClosedAfterTheName",
              Mode::pipe,
              {kHello, "421-retry-after 3\r\n421 Busy\r\n"},
              typed({}),
              ExitCode::try_later,
              {"alice"},
              "",
              "Busy (in 3 seconds)"},
        Visit{"ClosedAfterTheCode",
              Mode::pipe,
              {kHello, kPassword, kCode, "421 Busy\r\n"},
              typed({}),
              ExitCode::try_later,
              typed({}),
              "",
              "Busy"}),
    [](const auto& row) { return row.param.name; });

// A server that may be anybody: nothing leaves that it has not properly asked for, and nothing but printable
// text is shown.

struct Hostile {
    const char* name;
    Lines turns;
    ExitCode code;
    Lines sent;
};

class HostileServer : public testing::TestWithParam<Hostile> {};

bool is_harmless(std::string_view shown)
{
    for (std::size_t at = 0; at < shown.size();) {
        const auto character = decode_utf8(shown.substr(at));
        if (!character || (character->code_point != '\n' && !is_printable(character->code_point)))
            return false;
        at += character->octets;
    }
    return true;
}

TEST_P(HostileServer, GetsNothingAndHarmsNothing)
{
    const auto& row = GetParam();
    for (const auto mode : {Mode::pipe, Mode::terminal, Mode::command}) {
        ScriptedAnswers answers(typed({"whoami"}));
        const auto outcome = visit(row.turns, answers, mode);
        EXPECT_EQ(outcome.code, row.code);
        EXPECT_THAT(outcome.sent, ElementsAreArray(row.sent));
        EXPECT_TRUE(is_harmless(outcome.shown.results)) << printable(outcome.shown.results);
        for (const auto& prompt : answers.prompts) EXPECT_TRUE(is_harmless(prompt)) << printable(prompt);
        EXPECT_LT(outcome.shown.results.size() + outcome.shown.words.size(), 500'000U);
    }
}

const Lines kName{"alice"};
const Lines kNameAndPassword{"alice", "pw"};
constexpr auto kProtocol = ExitCode::protocol;

INSTANTIATE_TEST_SUITE_P(
    Exchange, HostileServer,
    testing::Values(
        // The order of the questions.
        Hostile{"SaysNothing", {}, ExitCode::unavailable, {}},
        Hostile{"ClosesAtOnce", {kCloses}, ExitCode::unavailable, {}},
        Hostile{"ClosesBehindAQuestionWithoutAWord", {kHello + kCloses}, ExitCode::unavailable, {}},
        Hostile{"NoGreeting", {"330 Username:\r\n"}, kProtocol, {}},
        Hostile{"PasswordFirst", {"220 a\r\n331 Password:\r\n"}, kProtocol, {}},
        Hostile{"CodeFirst", {"220 a\r\n332 Code:\r\n"}, kProtocol, {}},
        Hostile{"NewPasswordFirst", {"220 a\r\n333 New password:\r\n"}, kProtocol, {}},
        Hostile{"GreetsTwice", {"220 a\r\n220 a\r\n330 Username:\r\n"}, kProtocol, {}},
        Hostile{"AsksForTheNameTwice", {kHello, "330 Username:\r\n"}, kProtocol, kName},
        Hostile{"AsksForTheCodeBeforeThePassword", {kHello, kCode}, kProtocol, kName},
        Hostile{"AsksForANewPasswordInThePlaceOfThePassword",
                {kHello, "333 New password:\r\n"},
                kProtocol,
                kName},
        Hostile{"AsksForThePasswordTwice", {kHello, kPassword, kPassword}, kProtocol, kNameAndPassword},
        Hostile{"AsksForTheNameInThePlaceOfTheCode",
                {kHello, kPassword, "330 Password again:\r\n"},
                kProtocol,
                kNameAndPassword},
        Hostile{"AsksForTheCodeTwice", {kHello, kPassword, kCode, kCode}, kProtocol, typed({})},
        Hostile{
            "AsksForThePasswordAfterTheCode", {kHello, kPassword, kCode, kPassword}, kProtocol, typed({})},
        Hostile{"AsksForANewPasswordAfterTheCode",
                {kHello, kPassword, kCode, "333 New:\r\n"},
                kProtocol,
                typed({})},
        Hostile{"LogsInWithoutAName", {"220 a\r\n230 Login successful\r\n"}, kProtocol, {}},
        Hostile{"LogsInWithoutAPassword", {kHello, kYes}, kProtocol, kName},
        Hostile{"LogsInWithoutACode", {kHello, kPassword, kYes}, kProtocol, kNameAndPassword},
        Hostile{"RefusesWithoutACode", {kHello, kPassword, "530 no\r\n"}, kProtocol, kNameAndPassword},
        Hostile{"ThrottlesWithoutACode", {kHello, kPassword, "450 no\r\n"}, kProtocol, kNameAndPassword},
        Hostile{"SaysDoneToTheCode", {kHello, kPassword, kCode, "250 OK\r\n"}, kProtocol, typed({})},
        Hostile{"SaysGoodbyeToTheCode", {kHello, kPassword, kCode, "221 Bye\r\n"}, kProtocol, typed({})},
        Hostile{"AsksForThePasswordAfterARefusal",
                {kHello, kPassword, kCode, "530 no\r\n331 Again:\r\n"},
                kProtocol,
                typed({})},
        Hostile{"RefusesTheLine", {kHello, "500 What?\r\n"}, kProtocol, kName},

        // Speaking out of turn.
        Hostile{"AsksForAllAtOnce", {kHello + kPassword + kCode}, kProtocol, {}},
        Hostile{"AsksForTwoAtOnce", {kHello, kPassword + kCode}, kProtocol, kName},
        Hostile{
            "TalksOnAfterTheCodeQuestion", {kHello, kPassword, kCode + kYes}, kProtocol, kNameAndPassword},
        Hostile{"ClosesBehindAQuestion", {kHello, kPassword + "421 Busy\r\n"}, ExitCode::try_later, kName},

        // Digits that mean nothing.
        Hostile{"UnknownCode", {"299 hello\r\n"}, kProtocol, {}},
        Hostile{"Code999", {"999 hello\r\n"}, kProtocol, {}},
        Hostile{"UnknownQuestion", {kHello, "334 PIN of your bank:\r\n"}, kProtocol, kName},
        Hostile{"UnknownVerdict",
                {kHello, kPassword, kCode, "231 Login nearly successful\r\n"},
                kProtocol,
                typed({})},
        Hostile{"NoReply", {"hello\r\n"}, kProtocol, {}},
        Hostile{"NoDigits", {kHello, "Password:\r\n"}, kProtocol, kName},

        // What a terminal might obey.
        Hostile{"EscapeInTheGreeting", {"220 \x1b]0;x\a\r\n"}, kProtocol, {}},
        Hostile{"EscapeInAQuestion", {kHello, "331 \x1b[8mPassword:\r\n"}, kProtocol, kName},
        Hostile{"EscapeInAVerdict", {kHello, kPassword, kCode, "530 \x1b[2J\r\n"}, kProtocol, typed({})},
        Hostile{"EscapeInAFarewell", {"421 \x1b[2J\r\n"}, kProtocol, {}},
        Hostile{"C1InAFact",
                {kHello, kPassword, kCode,
                 "230-user \xC2\x9B"
                 "2J\r\n230 ok\r\n"},
                kProtocol,
                typed({})},
        Hostile{"OverrideInAQuestion",
                {kHello, "331 \xE2\x80\xAE:drowssaP\r\n"},
                ExitCode::unavailable,
                kNameAndPassword},
        Hostile{"EndlessQuestion", {kHello, "331 " + std::string(5000, 'x')}, kProtocol, kName},
        Hostile{"LongestQuestion",
                {kHello, "331 " + std::string(1020, 'x') + "\r\n"},
                ExitCode::unavailable,
                kNameAndPassword}),
    [](const auto& row) { return row.param.name; });

struct HostileLater {
    const char* name;
    Lines turns;  // after the login
    ExitCode code;
    Lines sent;
};

class HostileServerAfterLogin : public testing::TestWithParam<HostileLater> {};

TEST_P(HostileServerAfterLogin, HarmsNothing)
{
    const auto& row = GetParam();
    ScriptedAnswers answers(
        typed({"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17"}));
    const auto outcome = visit(after_login(row.turns), answers, Mode::command);
    EXPECT_EQ(outcome.code, row.code);
    EXPECT_THAT(outcome.sent, ElementsAreArray(typed(row.sent)));
    EXPECT_TRUE(is_harmless(outcome.shown.results)) << printable(outcome.shown.results);
}

INSTANTIATE_TEST_SUITE_P(
    Exchange, HostileServerAfterLogin,
    testing::Values(HostileLater{"LogsInAgain", {kYes}, kProtocol, {"whoami"}},
                    HostileLater{"Greets", {"220 a\r\n"}, kProtocol, {"whoami"}},
                    HostileLater{"AsksForAName", {"330 Username:\r\n"}, kProtocol, {"whoami"}},
                    HostileLater{"UnknownCode", {"260 fine\r\n"}, kProtocol, {"whoami"}},
                    HostileLater{"Silent", {}, ExitCode::unavailable, {"whoami"}},
                    HostileLater{"AsksForEver",
                                 Lines(20, kPassword),
                                 kProtocol,
                                 {"whoami", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12",
                                  "13", "14", "15", "16"}},
                    HostileLater{"AsksTwiceAtOnce", {kPassword + kCode}, kProtocol, {"whoami"}},
                    HostileLater{
                        "EscapeInAResult", {"250-user \x1b[2J\r\n250 OK\r\n"}, kProtocol, {"whoami"}},
                    HostileLater{"OverrideInAResult",
                                 {"250-user \xE2\x80\xAE"
                                  "ecila\r\n250 OK\r\n",
                                  kBye},
                                 ExitCode::success,
                                 {"whoami", "QUIT"}},
                    HostileLater{"EndlessResult",
                                 {[] {
                                     std::string lines;
                                     for (int i = 0; i < 10'000; ++i) lines += "250-a b\r\n";
                                     return lines;
                                 }()},
                                 kProtocol,
                                 {"whoami"}}),
    [](const auto& row) { return row.param.name; });

TEST(Questions, AreAnsweredByTheirDigitsWhateverTheySay)
{
    ScriptedAnswers answers(typed({"pw", "492040", "new"}));
    (void)visit(after_login({"331 Code:\r\n", "332 Password:\r\n", "333 Username:\r\n", "250 OK\r\n", kBye}),
                answers, Mode::command);
    EXPECT_THAT(answers.asked, testing::ElementsAre(Wanted::username, Wanted::password, Wanted::code,
                                                    Wanted::password, Wanted::code, Wanted::new_password));
}

TEST(Questions, SayWhoAsks)
{
    ScriptedAnswers answers(typed({}));
    (void)visit(after_login({kBye}), answers, Mode::pipe);
    EXPECT_THAT(answers.prompts,
                testing::ElementsAre("(a) Username: ", "(alice@a) Password: ", "(alice@a) Code: "));
}

TEST(FailuresSince, AreWarnedOfInEveryMode)
{
    for (const auto mode : {Mode::pipe, Mode::terminal, Mode::command}) {
        ScriptedAnswers answers(typed({}));
        const auto outcome =
            visit({kHello, kPassword, kCode, "230-failures-since 3\r\n230 ok\r\n", "250 OK\r\n", kBye},
                  answers, mode);
        EXPECT_THAT(outcome.shown.words, HasSubstr("Warning: 3 failed attempts"));
    }
}

TEST(SilentServer, IsGivenUpWithoutAnAnswer)
{
    ScriptedAnswers answers(typed({}));
    const auto outcome = visit({kHello, kPassword, kCode}, answers, Mode::pipe);
    EXPECT_EQ(outcome.code, ExitCode::unavailable);
    EXPECT_THAT(outcome.shown.words, HasSubstr("no answer in time"));
}

}  // namespace
}  // namespace securelogin::client
