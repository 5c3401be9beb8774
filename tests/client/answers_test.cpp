// Where answers come from when no person is there: a pipe, a file, a command.  Terminals: terminal_test.py.
#include "client/answers.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "client/password_file.hpp"
#include "fakes.hpp"
#include "temporary_directory.hpp"

namespace securelogin::client {
namespace {

using testing::HasSubstr;
using Kind = Answer::Kind;

/// A pipe that holds `text`; ended unless it is kept open.
class Pipe {
  public:
    explicit Pipe(std::string_view text, bool keep_open = false)
    {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
        reading_ = FileDescriptor(ends[0]);
        writing_ = FileDescriptor(ends[1]);
        if (!write_all(writing_.get(), text)) throw std::runtime_error("write");
        if (!keep_open) writing_.close();
    }
    [[nodiscard]] int get() const { return reading_.get(); }
    void write(std::string_view text) const
    {
        if (!write_all(writing_.get(), text)) throw std::runtime_error("write");
    }

  private:
    FileDescriptor reading_;
    FileDescriptor writing_;
};

const Watch kNothing{-1, POLLIN, [] { return false; }};

std::string text_of(const Answer& answer)
{
    switch (answer.kind) {
        case Kind::given:
            return "given " + std::string(answer.line.view());
        case Kind::end_of_input:
            return "end";
        case Kind::server_spoke:
            return "server";
    }
    return "?";
}

struct Input {
    const char* name;
    std::string text;
    std::vector<std::string> lines;
};

class PipeInput : public testing::TestWithParam<Input> {};

TEST_P(PipeInput, IsReadLineByLine)
{
    const Pipe pipe(GetParam().text);
    PipeAnswers answers(pipe.get(), kNothing);
    for (const auto& line : GetParam().lines)
        EXPECT_EQ(text_of(answers.ask(Wanted::code, "")), "given " + line);
    EXPECT_EQ(text_of(answers.ask(Wanted::code, "")), "end");
    EXPECT_EQ(text_of(answers.next_command()), "end");
}

INSTANTIATE_TEST_SUITE_P(
    Answers, PipeInput,
    testing::Values(Input{"Nothing", "", {}}, Input{"OneLine", "a\n", {"a"}},
                    Input{"WithoutLastNewline", "a\nb", {"a", "b"}},
                    Input{"EmptyLines", "\n\na\n", {"", "", "a"}},
                    Input{"CarriageReturns", "a\r\nb\r\n", {"a", "b"}}, Input{"BlanksStay", " a \n", {" a "}},
                    Input{"Utf8",
                          "b\xC3\xBC"
                          "cher\n",
                          {"b\xC3\xBC"
                           "cher"}},
                    Input{"Longest", std::string(1024, 'x') + "\n", {std::string(1024, 'x')}}),
    [](const auto& row) { return row.param.name; });

class BadPipeInput : public testing::TestWithParam<Input> {};

TEST_P(BadPipeInput, IsNotSent)
{
    const Pipe pipe(GetParam().text);
    PipeAnswers answers(pipe.get(), kNothing);
    const auto failure = failure_of([&] { (void)answers.ask(Wanted::password, ""); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::usage);
    EXPECT_THAT(failure->second, HasSubstr("it was not sent"));
}

INSTANTIATE_TEST_SUITE_P(Answers, BadPipeInput,
                         testing::Values(Input{"TooLong", std::string(1025, 'x') + "\n", {}},
                                         Input{"EndlessLine", std::string(5000, 'x'), {}},
                                         Input{"ControlCharacter", "a\x1b[A\n", {}},
                                         Input{"Tab", "a\tb\n", {}},
                                         Input{"Nul", std::string("a\0b\n", 4), {}},
                                         Input{"Latin1", "\xFC\n", {}}, Input{"CutAtTheEnd", "a\xC3", {}}),
                         [](const auto& row) { return row.param.name; });

TEST(PipeAnswers, SayWhetherThereIsMore)
{
    const Pipe pipe("a\nb\n");
    PipeAnswers answers(pipe.get(), kNothing);
    EXPECT_EQ(answers.another_attempt(), Kind::given);
    EXPECT_EQ(text_of(answers.ask(Wanted::username, "")), "given a");
    EXPECT_EQ(answers.another_attempt(), Kind::given);
    EXPECT_EQ(text_of(answers.next_command()), "given b");
    EXPECT_EQ(answers.another_attempt(), Kind::end_of_input);
}

TEST(PipeAnswers, StopWaitingWhenTheServerSpeaks)
{
    const Pipe silent("", true);
    const Pipe server("421", true);
    int asked = 0;
    PipeAnswers answers(silent.get(), {server.get(), POLLIN, [&asked] { return ++asked > 1; }});
    EXPECT_EQ(text_of(answers.ask(Wanted::code, "")), "server");
    EXPECT_EQ(answers.another_attempt(), Kind::server_spoke);
}

TEST(PipeAnswers, GoOnWaitingWhenTheServerOnlySeemedTo)
{
    const Pipe silent("", true);
    const Pipe server("x", true);
    const auto fired = [&] {
        std::array<char, 8> taken{};  // as a session ticket is: read, and no line
        pollfd state{.fd = server.get(), .events = POLLIN, .revents = 0};
        if (::poll(&state, 1, 0) == 1 && ::read(server.get(), taken.data(), taken.size()) == 1)
            silent.write("a\n");
        return false;
    };
    PipeAnswers answers(silent.get(), {server.get(), POLLIN, fired});
    EXPECT_EQ(text_of(answers.ask(Wanted::code, "")), "given a");
}

std::unique_ptr<Answers> rest(const std::vector<std::string>& lines)
{
    return std::make_unique<ScriptedAnswers>(lines);
}

TEST(PreparedAnswers, AnswerWhatTheyCanAndAskTheRest)
{
    PreparedAnswers answers(
        {.user = "alice", .password = {}, .code_command = CodeCommand("echo 492039; echo more")},
        rest({"pw", "new", "whoami"}), kNothing);
    EXPECT_EQ(text_of(answers.ask(Wanted::username, "")), "given alice");
    EXPECT_EQ(text_of(answers.ask(Wanted::password, "")), "given pw");
    EXPECT_EQ(text_of(answers.ask(Wanted::code, "")), "given 492039");
    EXPECT_EQ(text_of(answers.ask(Wanted::new_password, "")), "given new");
    EXPECT_EQ(text_of(answers.next_command()), "given whoami");
}

TEST(PreparedAnswers, GiveThePasswordAgainButNeverAsANewOne)
{
    PreparedAnswers answers({.password = Secret::copy_of("pw")}, rest({"alice", "1", "new"}), kNothing);
    EXPECT_EQ(text_of(answers.ask(Wanted::username, "")), "given alice");
    EXPECT_EQ(text_of(answers.ask(Wanted::password, "")), "given pw");
    EXPECT_EQ(text_of(answers.ask(Wanted::password, "")), "given pw");
    EXPECT_EQ(text_of(answers.ask(Wanted::code, "")), "given 1");
    EXPECT_EQ(text_of(answers.ask(Wanted::new_password, "")), "given new");
}

TEST(PreparedAnswers, DoNotTryAgainWhereNothingIsNew)
{
    PreparedAnswers all(
        {.user = "a", .password = Secret::copy_of("p"), .code_command = CodeCommand("echo 1")},
        rest({"whoami"}), kNothing);
    EXPECT_EQ(all.another_attempt(), Kind::end_of_input);
    PreparedAnswers some({.user = "a", .password = Secret::copy_of("p")}, rest({"1"}), kNothing);
    EXPECT_EQ(some.another_attempt(), Kind::given);
}

struct BadCommand {
    const char* name;
    const char* command;
    const char* says;
};

class BadCodeCommand : public testing::TestWithParam<BadCommand> {};

TEST_P(BadCodeCommand, IsToldAndNothingIsSent)
{
    const auto failure = failure_of([] { (void)CodeCommand(GetParam().command).run(kNothing); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::not_trusted);
    EXPECT_THAT(failure->second, HasSubstr("--code-command: "));
    EXPECT_THAT(failure->second, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Answers, BadCodeCommand,
    testing::Values(BadCommand{"Fails", "exit 3", "status 3"},
                    BadCommand{"PrintsAndFails", "echo 492039; exit 1", "status 1"},
                    BadCommand{"Missing", "/nonexistent/program 2>&-", "status 127"},
                    BadCommand{"Killed", "kill -9 $$", "signal 9"},
                    BadCommand{"PrintsNothing", "true", "no code"},
                    BadCommand{"PrintsAnEmptyLine", "echo", "no code"},
                    BadCommand{"PrintsEscapes", R"(printf '\033[2J\n')", "control character"},
                    BadCommand{"PrintsTooMuch", "head -c 5000 /dev/zero | tr '\\0' 1", "1024"}),
    [](const auto& row) { return row.param.name; });

TEST(CodeCommand, MayPrintMoreThanIsRead)
{
    EXPECT_EQ(text_of(CodeCommand("echo 1; head -c 300000 /dev/zero").run(kNothing)), "given 1");
}

TEST(CodeCommand, MayPrintNoNewline)
{
    EXPECT_EQ(text_of(CodeCommand("printf 492039").run(kNothing)), "given 492039");
}

TEST(CodeCommand, IsEndedWhenTheServerSpeaks)
{
    const Pipe server("421", true);
    int asked = 0;
    const Watch watch{server.get(), POLLIN, [&asked] { return ++asked > 1; }};
    EXPECT_EQ(text_of(CodeCommand("exec sleep 600").run(watch)), "server");
}

class PasswordFile : public testing::Test {
  protected:
    TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "pw";
};

TEST_F(PasswordFile, GivesItsFirstLine)
{
    write_file(file_, "correct horse \r\nsecond\n");
    EXPECT_EQ(read_password_file(file_).view(), "correct horse ");
}

TEST_F(PasswordFile, MayEndWithoutANewline)
{
    write_file(file_, "pw", 0400);
    EXPECT_EQ(read_password_file(file_).view(), "pw");
}

struct BadFile {
    const char* name;
    std::optional<std::string> text;
    unsigned mode;
    const char* says;
};

class BadPasswordFile : public PasswordFile, public testing::WithParamInterface<BadFile> {};

TEST_P(BadPasswordFile, IsRefused)
{
    if (GetParam().text) write_file(file_, *GetParam().text, GetParam().mode);
    const auto failure = failure_of([&] { (void)read_password_file(file_); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::not_trusted);
    EXPECT_THAT(failure->second, HasSubstr(file_.string()));
    EXPECT_THAT(failure->second, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(Answers, BadPasswordFile,
                         testing::Values(BadFile{"Missing", {}, 0, "No such file"},
                                         BadFile{"GroupMayRead", "pw\n", 0640, "chmod 600"},
                                         BadFile{"OthersMayRead", "pw\n", 0604, "chmod 600"},
                                         BadFile{"OthersMayWrite", "pw\n", 0602, "chmod 600"},
                                         BadFile{"Empty", "", 0600, "empty"},
                                         BadFile{"Binary",
                                                 std::string("\x7f"
                                                             "ELF\0\n",
                                                             6),
                                                 0600, "control character"},
                                         BadFile{"TooLong", std::string(2000, 'x'), 0600, "1024"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(PasswordFile, ThatIsADirectoryIsRefused)
{
    const auto failure = failure_of([&] { (void)read_password_file(directory_.path()); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_THAT(failure->second, HasSubstr("a directory"));
}

}  // namespace
}  // namespace securelogin::client
