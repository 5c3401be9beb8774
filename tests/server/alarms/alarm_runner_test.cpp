#include "server/alarm_runner.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>

#include "server/startup_error.hpp"
#include "tests/server/alarms/script.hpp"

namespace securelogin {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// What the log on stderr says once all that was posted has been run.
std::string run(const std::vector<std::string>& command, const std::vector<std::string>& lines,
                std::chrono::milliseconds time_limit = 20s)
{
    testing::internal::CaptureStderr();
    {
        AlarmRunner runner({.command = command, .time_limit = time_limit});
        for (const auto& line : lines) EXPECT_TRUE(runner.post(line));
    }
    return testing::internal::GetCapturedStderr();
}

TEST(AlarmRunner, RunsTheCommandForEachLineInTheirOrder)
{
    const Script script(R"(cat >> "$1/seen"; echo end >> "$1/seen")");
    EXPECT_EQ(run(script.command(), {R"({"event":"alarm.wrong-code"})", "second"}), "");
    EXPECT_EQ(script.content("seen"), "{\"event\":\"alarm.wrong-code\"}\nend\nsecond\nend\n");
}

TEST(AlarmRunner, TakesNoShell)
{
    const Script script(R"(printf '%s\n' "$#" "$2" >> "$1/seen")");
    auto command = script.command();
    command.emplace_back("$(touch /tmp/owned); rm -rf *");
    EXPECT_EQ(run(command, {"x"}), "");
    EXPECT_EQ(script.content("seen"), "2\n$(touch /tmp/owned); rm -rf *\n");
}

TEST(AlarmRunner, GivesTheCommandNothingOfTheProgram)
{
    const Script script(R"(ls -l /proc/self/fd > "$1/descriptors"; env > "$1/environment"
        grep Sig /proc/self/status > "$1/signals"; echo noise; echo noise >&2)");
    ::setenv("SECURELOGIN_TEST_SECRET", "hunter2", 1);
    const int open = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
    EXPECT_EQ(run(script.command(), {"x"}), "") << "what the command says is not the log's";
    ::close(open);
    ::unsetenv("SECURELOGIN_TEST_SECRET");
    // ls has 0 (the pipe), 1 (its file), 2 (/dev/null) and 3, the directory that it reads.
    const auto descriptors = script.content("descriptors");
    EXPECT_EQ(std::ranges::count(descriptors, '>'), 4) << descriptors;
    EXPECT_THAT(script.content("environment"),
                AllOf(HasSubstr("PATH="), Not(HasSubstr("hunter2")), Not(HasSubstr("HOME="))));
    EXPECT_THAT(script.content("signals"), HasSubstr("SigBlk:\t0000000000000000"));
}

struct BadCommand {
    std::string name;
    std::string body;
    std::string said;
};

class AlarmCommandFails : public testing::TestWithParam<BadCommand> {};

TEST_P(AlarmCommandFails, IsToldAndTheNextIsRun)
{
    const Script script("read line; if test \"$line\" = bad; then " + GetParam().body +
                        "; fi; echo \"$line\" >> \"$1/seen\"");
    const auto log = run(script.command(), {"bad", "good"}, 2s);
    EXPECT_THAT(log, HasSubstr(" error alarm_command_failed command=" + script.path().string()));
    EXPECT_THAT(log, HasSubstr(GetParam().said));
    EXPECT_EQ(std::ranges::count(log, '\n'), 1) << log;
    EXPECT_EQ(script.content("seen"), "good\n");
}

INSTANTIATE_TEST_SUITE_P(Commands, AlarmCommandFails,
                         testing::Values(BadCommand{"Returns", "exit 3", "it returned 3"},
                                         BadCommand{"Killed", "kill -9 $$", "ended by signal 9"},
                                         BadCommand{"Missing", "exec /no/such/program", "it returned 127"}),
                         [](const auto& row) { return row.param.name; });

TEST(AlarmRunner, WhatTakesTooLongIsKilledWithWhatItHasStarted)
{
    const Script script(R"(echo $$ > "$1/group"; sleep 600 & wait)");
    const auto log = run(script.command(), {"x"}, 300ms);
    EXPECT_THAT(log, HasSubstr("it took too long and was killed"));
    const auto group = std::stoi(script.content("group"));
    // Killed, but perhaps not reaped yet: a zombie is a member of its group.
    while (::kill(-group, 0) == 0) ::usleep(1000);
    EXPECT_EQ(errno, ESRCH);
}

TEST(AlarmRunner, WhatCannotBeStartedIsTold)
{
    const Script script("exit 0");
    std::filesystem::permissions(script.path(), std::filesystem::perms(0600));
    EXPECT_THAT(run(script.command(), {"x"}), HasSubstr("Permission denied"));
    EXPECT_THAT(run({script.file("none").string()}, {"x"}), HasSubstr("No such file or directory"));
}

TEST(AlarmRunner, WhatWaitsIsBoundedAndNeverBlocks)
{
    const Script script(R"(while ! test -e "$1/go"; do sleep 0.01; done; cat >> "$1/seen")");
    AlarmRunner runner({.command = script.command(), .time_limit = 60s});
    const std::string line(1000, 'x');
    std::size_t posted = 0;
    while (runner.post(line)) ++posted;
    EXPECT_GT(posted, 10U);
    EXPECT_LT(posted, 1000U);
    std::ofstream(script.file("go")) << "go";
}

TEST(AlarmRunner, AnOverlongLineIsNotTaken)
{
    const Script script(R"(wc -c > "$1/seen")");
    testing::internal::CaptureStderr();
    {
        AlarmRunner runner({.command = script.command()});
        EXPECT_FALSE(runner.post(std::string(4096, 'x')));
        EXPECT_TRUE(runner.post(std::string(4095, 'x')));
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(script.content("seen"), "4096\n");
}

TEST(AlarmRunner, AtTheEndItWaitsForTheCommandButNotForEver)
{
    const Script script("sleep 600");
    const auto before = std::chrono::steady_clock::now();
    EXPECT_THAT(run(script.command(), {"x", "y", "z"}, 600s), HasSubstr("it took too long"));
    EXPECT_LT(std::chrono::steady_clock::now() - before, AlarmRunner::kFarewell + 10s);
}

TEST(AlarmRunner, AProcessThatIsGoneIsTold)
{
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    const Script script("kill -9 $PPID");
    {
        AlarmRunner runner({.command = script.command()});
        EXPECT_TRUE(runner.post("x"));
        while (runner.post("y")) ::usleep(1000);
        EXPECT_EQ(errno, EPIPE);
    }
    std::signal(SIGPIPE, before);
}

struct UnsafeCommand {
    std::string name;
    void (*spoil)(const Script& script);
    std::string why;
};

class UnsafeCommands : public testing::TestWithParam<UnsafeCommand> {};

TEST_P(UnsafeCommands, AreRefusedAtTheStart)
{
    const Script script("exit 0");
    EXPECT_NO_THROW(require_runnable(script.command()));
    GetParam().spoil(script);
    try {
        require_runnable(script.command());
        FAIL();
    } catch (const StartupError& error) {
        EXPECT_THAT(error.what(),
                    HasSubstr("alarms.command: " + script.path().string() + ": " + GetParam().why));
    }
}

void allow(const Script& script, unsigned mode)
{
    std::filesystem::permissions(script.path(), std::filesystem::perms(mode));
}

INSTANTIATE_TEST_SUITE_P(
    Files, UnsafeCommands,
    testing::Values(
        UnsafeCommand{"Missing", [](const Script& s) { std::filesystem::remove(s.path()); }, "No such file"},
        UnsafeCommand{"ADirectory",
                      [](const Script& s) {
                          std::filesystem::remove(s.path());
                          std::filesystem::create_directory(s.path());
                      },
                      "it is not a file"},
        UnsafeCommand{"TheGroupCanWriteIt", [](const Script& s) { allow(s, 0770); }, "others can change it"},
        UnsafeCommand{"AllCanWriteIt", [](const Script& s) { allow(s, 0707); }, "others can change it"},
        UnsafeCommand{"NotExecutable", [](const Script& s) { allow(s, 0600); }, "it cannot be run"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin
