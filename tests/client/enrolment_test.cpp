// Enrolling, with a scripted server and a scripted person; and where the key goes.
#include "client/enrolment.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fakes.hpp"
#include "temporary_directory.hpp"

namespace securelogin::client {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::Not;
using Lines = std::vector<std::string>;

const std::string kUri =
    "otpauth://totp/SecureLogin:carol?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=SecureLogin";
const std::string kInvitation = "008J-4CT4-ANK7-F24S-NAXW-SQFE-ZW";

const std::string kHello = "220 a SecureLogin 1 ready\r\n330 Username:\r\n";
const std::string kPasswordWanted = "333 New password:\r\n";
const std::string kKey = "332-otpauth " + kUri + "\r\n332 Code:\r\n";
const std::string kCode = "332 Code:\r\n";
const std::string kNo = "530 Enrolment failed\r\n";
const std::string kLater = "450-retry-after 8\r\n450 Not now\r\n";
const std::string kName = "330 Username:\r\n";
const std::string kYes =
    "250-user carol\r\n250-recovery-code AAAA-BBBB-CCCC-DDDD\r\n250-recovery-code EEEE-FFFF-GGGG-HHHH\r\n"
    "250 Enrolled\r\n" +
    kName;

struct Outcome {
    ExitCode code = ExitCode::success;
    Lines sent;
    Shown shown;
};

struct Way {
    bool interactive = false;
    std::optional<std::filesystem::path> file = {};
    int columns = 80;
};

Outcome enrol(const Lines& turns, ScriptedAnswers& answers, const Way& way = {})
{
    Outcome outcome;
    ScriptedWire wire(turns);
    Server server(wire, "a");
    auto display = outcome.shown.display(way.interactive);
    const auto failure = failure_of([&] {
        KeyPicture picture(way.file, [&way] { return way.columns; });
        Enrolment(server, answers, display, picture, {.place = "a"}).run();
    });
    if (failure) {
        outcome.code = failure->first;
        outcome.shown.words += failure->second;
    }
    for (auto line : wire.sent) {
        line.pop_back();
        outcome.sent.push_back(line);
    }
    return outcome;
}

struct Case {
    const char* name;
    Lines turns;
    Lines answers;
    ExitCode code;
    Lines sent;
    std::string words;  // a part of what was shown, or of the failure
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

class Enrolments : public testing::TestWithParam<Case> {};

TEST_P(Enrolments, GoAsWrittenDown)
{
    const auto& row = GetParam();
    ScriptedAnswers answers(row.answers);
    const auto outcome = enrol(row.turns, answers);
    EXPECT_EQ(outcome.code, row.code) << outcome.shown.words;
    EXPECT_THAT(outcome.sent, ElementsAreArray(row.sent));
    EXPECT_THAT(outcome.shown.words, HasSubstr(row.words));
    const bool enrolled = outcome.code == ExitCode::success;
    EXPECT_EQ(outcome.shown.results.find("recovery-code") != std::string::npos, enrolled);
}

const Lines kTyped{kInvitation, "a good one", "492039"};
const Lines kSent{"ENROL " + kInvitation, "a good one", "492039"};

INSTANTIATE_TEST_SUITE_P(
    Client, Enrolments,
    testing::Values(
        Case{"Succeeds", {kHello, kPasswordWanted, kKey, kYes}, kTyped, ExitCode::success, kSent, ""},
        Case{"MistypedInvitation",
             {kHello, kNo + kName, kPasswordWanted, kKey, kYes},
             {"wrong", kInvitation, "a good one", "492039"},
             ExitCode::success,
             {"ENROL wrong", "ENROL " + kInvitation, "a good one", "492039"},
             "enrolling at a: Enrolment failed"},
        Case{"RefusedPassword",
             {kHello, kPasswordWanted, "553 New password refused: too common\r\n" + kPasswordWanted, kKey,
              kYes},
             {kInvitation, "password", "a good one", "492039"},
             ExitCode::success,
             {"ENROL " + kInvitation, "password", "a good one", "492039"},
             "too common"},
        Case{"WrongCode",
             {kHello, kPasswordWanted, kKey, kNo + kCode, kYes},
             {kInvitation, "a good one", "000000", "492039"},
             ExitCode::success,
             {"ENROL " + kInvitation, "a good one", "000000", "492039"},
             "Enrolment failed"},
        Case{"BusyServer",
             {kHello, kPasswordWanted, kLater + kPasswordWanted, kKey, kLater + kCode, kYes},
             {kInvitation, "a good one", "a good one", "492039", "492039"},
             ExitCode::success,
             {"ENROL " + kInvitation, "a good one", "a good one", "492039", "492039"},
             "in 8 seconds"},

        Case{"NoMoreInvitations",
             {kHello, kNo + kName},
             {"wrong"},
             ExitCode::login_failed,
             {"ENROL wrong"},
             "the answers ended"},
        Case{"ThreeWrongInvitations",
             {kHello, kNo + kName, kNo + kName, kNo + "421 Too many attempts\r\n"},
             {"a", "b", "c", "d"},
             ExitCode::login_failed,
             {"ENROL a", "ENROL b", "ENROL c"},
             "Too many attempts"},
        Case{"Throttled",
             {kHello, kLater + kName},
             {kInvitation},
             ExitCode::try_later,
             {"ENROL " + kInvitation},
             "in 8 seconds"},
        Case{"NoInvitation", {kHello}, {}, ExitCode::login_failed, {}, "the answers ended"},
        Case{"NoPassword",
             {kHello, kPasswordWanted},
             {kInvitation},
             ExitCode::login_failed,
             {"ENROL " + kInvitation},
             "the answers ended"},
        Case{"NoCode",
             {kHello, kPasswordWanted, kKey},
             {kInvitation, "a good one"},
             ExitCode::login_failed,
             {"ENROL " + kInvitation, "a good one"},
             "the answers ended"},
        Case{"CancelledByAnEmptyPassword",
             {kHello, kPasswordWanted, "501 Cancelled\r\n" + kName},
             {kInvitation, ""},
             ExitCode::login_failed,
             {"ENROL " + kInvitation, ""},
             "cancelled; nothing has changed"},
        Case{"LastPasswordRefused",
             {kHello, kPasswordWanted, "553 New password refused: too common\r\n" + kName},
             {kInvitation, "password"},
             ExitCode::login_failed,
             {"ENROL " + kInvitation, "password"},
             "the invitation is good until it expires"},
        Case{"LastCodeWrong",
             {kHello, kPasswordWanted, kKey, kNo + kName},
             kTyped,
             ExitCode::login_failed,
             kSent,
             "no code was right; nothing has changed"},
        Case{"BusyToTheEnd",
             {kHello, kPasswordWanted, kKey, kLater + kName},
             kTyped,
             ExitCode::try_later,
             kSent,
             "run the command again"},
        Case{"ServerCloses",
             {kHello, kPasswordWanted, kKey, "421 Shutting down\r\n"},
             kTyped,
             ExitCode::try_later,
             kSent,
             "Shutting down"},
        Case{"ConnectionLost",
             {kHello, kPasswordWanted, kCloses},
             {kInvitation, "a good one"},
             ExitCode::unavailable,
             {"ENROL " + kInvitation, "a good one"},
             "connection lost"},
        Case{
            "InvitationTooLongToBeSent", {kHello}, {std::string(1020, 'A')}, ExitCode::usage, {}, "too long"},

        // What no server may do.
        Case{"ServerKnowsNoEnrolment",
             {kHello, "331 Password:\r\n"},
             {kInvitation},
             ExitCode::protocol,
             {"ENROL " + kInvitation},
             "knows no enrolment"},
        Case{"ServerAsksForACodeFirst",
             {kHello, kKey},
             {kInvitation},
             ExitCode::protocol,
             {"ENROL " + kInvitation},
             "out of place"},
        Case{"ServerGivesNoKey",
             {kHello, kPasswordWanted, kCode},
             {kInvitation, "a good one"},
             ExitCode::protocol,
             {"ENROL " + kInvitation, "a good one"},
             "no key"},
        Case{"ServerGivesAnotherUri",
             {kHello, kPasswordWanted, "332-otpauth https://example.com/\r\n332 Code:\r\n"},
             {kInvitation, "a good one"},
             ExitCode::protocol,
             {"ENROL " + kInvitation, "a good one"},
             "no key"},
        Case{"ServerSaysYesToAPassword",
             {kHello, kPasswordWanted, kYes},
             {kInvitation, "a good one"},
             ExitCode::protocol,
             {"ENROL " + kInvitation, "a good one"},
             "out of place"},
        Case{"ServerAsksForThePasswordAgain",
             {kHello, kPasswordWanted, kKey, kPasswordWanted},
             kTyped,
             ExitCode::protocol,
             kSent,
             "out of place"}),
    [](const auto& row) { return row.param.name; });

TEST(Enrolment, AsksForWhatTheDigitsSay)
{
    ScriptedAnswers answers(kTyped);
    (void)enrol({kHello, kPasswordWanted, kKey, kYes}, answers);
    EXPECT_THAT(answers.asked, ElementsAre(Wanted::invitation, Wanted::new_password, Wanted::code));
    EXPECT_THAT(answers.prompts, ElementsAre("(a) Invitation: ", "(a) New password: ", "(a) Code: "));
}

TEST(Enrolment, AScriptGetsKeyAndCodesAsLines)
{
    ScriptedAnswers answers(kTyped);
    const auto outcome = enrol({kHello, kPasswordWanted, kKey, kYes}, answers);
    EXPECT_EQ(outcome.shown.results, "otpauth " + kUri +
                                         "\nuser carol\nrecovery-code AAAA-BBBB-CCCC-DDDD\n"
                                         "recovery-code EEEE-FFFF-GGGG-HHHH\n");
    EXPECT_EQ(outcome.shown.words, "");
}

TEST(Enrolment, APersonGetsAPictureAndTheCodesAlone)
{
    ScriptedAnswers answers(kTyped);
    const auto outcome = enrol({kHello, kPasswordWanted, kKey, kYes}, answers, {.interactive = true});
    EXPECT_THAT(outcome.shown.results, Not(HasSubstr("otpauth")));
    EXPECT_THAT(outcome.shown.results, HasSubstr("recovery-code AAAA-BBBB-CCCC-DDDD\n"));
    EXPECT_THAT(outcome.shown.words, HasSubstr("\u2580"));
    EXPECT_THAT(outcome.shown.words, HasSubstr(kUri));
    EXPECT_THAT(outcome.shown.words, HasSubstr("Keep the recovery codes"));
}

TEST(Enrolment, WithoutRecoveryCodesNoneAreToBeKept)
{
    ScriptedAnswers answers(kTyped);
    const auto outcome = enrol({kHello, kPasswordWanted, kKey, "250-user carol\r\n250 Enrolled\r\n" + kName},
                               answers, {.interactive = true});
    EXPECT_THAT(outcome.shown.words, Not(HasSubstr("recovery")));
}

TEST(Enrolment, ATerminalThatIsTooNarrowGetsTheUriOnly)
{
    ScriptedAnswers answers(kTyped);
    const auto outcome =
        enrol({kHello, kPasswordWanted, kKey, kYes}, answers, {.interactive = true, .columns = 30});
    EXPECT_THAT(outcome.shown.words, Not(HasSubstr("\u2580")));
    EXPECT_THAT(outcome.shown.words, HasSubstr("the terminal has 30"));
    EXPECT_THAT(outcome.shown.words, HasSubstr(kUri));
}

TEST(Enrolment, AHostileKeyIsDrawnAndNotObeyed)
{
    // A URI of printable text only is what a reply can hold; what is not ASCII is escaped where it is shown.
    ScriptedAnswers answers(kTyped);
    const auto outcome =
        enrol({kHello, kPasswordWanted, "332-otpauth otpauth://\u202e\r\n332 Code:\r\n", kYes}, answers,
              {.interactive = true});
    EXPECT_THAT(outcome.shown.words, Not(HasSubstr("\u202e")));
    EXPECT_THAT(outcome.shown.words, HasSubstr("otpauth://\\x"));
}

class KeyFile : public testing::Test {
  protected:
    Outcome run(const Lines& turns)
    {
        ScriptedAnswers answers(kTyped);
        return enrol(turns, answers, {.file = file_});
    }

    TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "key.png";
};

TEST_F(KeyFile, IsThereAfterwardsForItsOwnerAlone)
{
    EXPECT_EQ(run({kHello, kPasswordWanted, kKey, kYes}).code, ExitCode::success);
    struct stat there{};
    ASSERT_EQ(::stat(file_.c_str(), &there), 0);
    EXPECT_EQ(there.st_mode & 0777U, 0600U);
    std::ifstream stream(file_, std::ios::binary);
    std::string start(4, '\0');
    stream.read(start.data(), 4);
    EXPECT_EQ(start, "\x89PNG");
}

TEST_F(KeyFile, IsGoneWhereNobodyEnrolled)
{
    EXPECT_EQ(run({kHello, kPasswordWanted, kKey, kNo + kName}).code, ExitCode::login_failed);
    EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(KeyFile, IsNeverWrittenOverAnother)
{
    std::ofstream(file_) << "mine";
    const auto outcome = run({kHello, kPasswordWanted, kKey, kYes});
    EXPECT_EQ(outcome.code, ExitCode::not_trusted);
    EXPECT_THAT(outcome.shown.words, HasSubstr("it exists"));
    EXPECT_TRUE(outcome.sent.empty()) << "known before anything is sent";
    std::string content;
    std::ifstream(file_) >> content;
    EXPECT_EQ(content, "mine");
}

TEST_F(KeyFile, IsNotWrittenThroughALink)
{
    std::filesystem::create_symlink(directory_.path() / "elsewhere.png", file_);
    EXPECT_EQ(run({kHello, kPasswordWanted, kKey, kYes}).code, ExitCode::not_trusted);
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "elsewhere.png"));
    EXPECT_TRUE(std::filesystem::is_symlink(file_)) << "it was not ours to remove";
}

TEST_F(KeyFile, ThatCannotBeMadeEndsTheEnrolment)
{
    file_ = directory_.path() / "missing" / "key.png";
    const auto outcome = run({kHello, kPasswordWanted, kKey, kYes});
    EXPECT_EQ(outcome.code, ExitCode::not_trusted);
    EXPECT_THAT(outcome.sent, ElementsAre("ENROL " + kInvitation, "a good one"));
}

}  // namespace
}  // namespace securelogin::client
