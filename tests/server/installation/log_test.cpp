#include "server/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>
#include <vector>

#include "child.hpp"

namespace securelogin {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

constexpr std::string_view kNoon = "2026-11-22T12:00:00.000Z";

struct ValueCase {
    const char* name;
    std::string value;
    std::string text;  // as it stands after key=
    std::string json;  // as it stands between the quotes
};

class FormatEvent : public testing::TestWithParam<ValueCase> {};

TEST_P(FormatEvent, ShowsTheValueInText)
{
    EXPECT_EQ(format_event(LogFormat::text, kNoon, Level::info, "login", {{"key", GetParam().value}}),
              "2026-11-22T12:00:00.000Z info login key=" + GetParam().text);
}

TEST_P(FormatEvent, ShowsTheValueInJson)
{
    const auto line = format_event(LogFormat::json, kNoon, Level::info, "login", {{"key", GetParam().value}});
    EXPECT_EQ(line, R"({"time":"2026-11-22T12:00:00.000Z","level":"info","event":"login","key":")" +
                        GetParam().json + "\"}");
    const auto parsed = boost::json::parse(line);
    EXPECT_THAT(parsed.as_object(), SizeIs(4)) << "no value becomes a key";
}

INSTANTIATE_TEST_SUITE_P(
    Values, FormatEvent,
    testing::Values(
        //        name                value                text                     json
        ValueCase{"Word", "alice", "alice", "alice"},
        ValueCase{"Address", "[2001:db8::7]:9999", "[2001:db8::7]:9999", "[2001:db8::7]:9999"},
        ValueCase{"Empty", "", "\"\"", ""}, ValueCase{"Blank", "two words", "\"two words\"", "two words"},
        ValueCase{"Equals", "a=b", "\"a=b\"", "a=b"}, ValueCase{"Quote", "a\"b", R"("a\"b")", R"(a\"b)"},
        ValueCase{"Forged", "x\" outcome=\"granted", R"("x\" outcome=\"granted")",
                  R"(x\" outcome=\"granted)"},
        ValueCase{"ForgedJson", "x\",\"outcome\":\"granted", R"("x\",\"outcome\":\"granted")",
                  R"(x\",\"outcome\":\"granted)"},
        ValueCase{"Backslash", "a\\b", R"("a\\b")", R"(a\\\\b)"},
        ValueCase{"BackslashQuote", "\\\"", R"("\\\"")", R"(\\\\\")"},
        ValueCase{"LineFeed", "a\nb", R"("a\x0ab")", R"(a\\x0ab)"},
        ValueCase{"LiteralEscape", "a\\x0ab", R"("a\\x0ab")", R"(a\\\\x0ab)"},
        ValueCase{"CarriageReturn", "a\rb", R"("a\x0db")", R"(a\\x0db)"},
        ValueCase{"Tab", "a\tb", R"("a\x09b")", R"(a\\x09b)"},
        ValueCase{"Nul", std::string("a\0b", 3), R"("a\x00b")", R"(a\\x00b)"},
        ValueCase{"Escape", "\x1b[2J", R"("\x1b[2J")", R"(\\x1b[2J)"},
        ValueCase{"Delete", "\x7f", R"("\x7f")", R"(\\x7f)"},
        ValueCase{"C1", "\xc2\x9b", R"("\xc2\x9b")", R"(\\xc2\\x9b)"},
        ValueCase{"LineSeparator", "\xe2\x80\xa8", R"("\xe2\x80\xa8")", R"(\\xe2\\x80\\xa8)"},
        ValueCase{"RightToLeft",
                  "a\xe2\x80\xae"
                  "b",
                  R"("a\xe2\x80\xaeb")", R"(a\\xe2\\x80\\xaeb)"},
        ValueCase{"Malformed", "a\xff", R"("a\xff")", R"(a\\xff)"},
        ValueCase{"Overlong", "\xc0\xaf", R"("\xc0\xaf")", R"(\\xc0\\xaf)"},
        ValueCase{"Surrogate", "\xed\xa0\x80", R"("\xed\xa0\x80")", R"(\\xed\\xa0\\x80)"},
        ValueCase{"Umlaut", "M\xc3\xbcller", "M\xc3\xbcller", "M\xc3\xbcller"},
        ValueCase{"Emoji", "\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92"}),
    [](const auto& row) { return row.param.name; });

TEST(FormatEvent, ShowsLevelEventAndFieldsInTheirOrder)
{
    const auto format = [](LogFormat as, Level level) {
        return format_event(as, kNoon, level, "login", {{"outcome", "granted"}, {"user", "alice"}});
    };
    EXPECT_EQ(format(LogFormat::text, Level::debug),
              "2026-11-22T12:00:00.000Z debug login outcome=granted user=alice");
    EXPECT_EQ(format(LogFormat::text, Level::info),
              "2026-11-22T12:00:00.000Z info login outcome=granted user=alice");
    EXPECT_EQ(format(LogFormat::text, Level::warning),
              "2026-11-22T12:00:00.000Z warning login outcome=granted user=alice");
    EXPECT_EQ(format(LogFormat::text, Level::error),
              "2026-11-22T12:00:00.000Z error login outcome=granted user=alice");
    EXPECT_EQ(
        format(LogFormat::json, Level::error),
        R"({"time":"2026-11-22T12:00:00.000Z","level":"error","event":"login","outcome":"granted","user":"alice"})");
    EXPECT_EQ(format_event(LogFormat::text, kNoon, Level::info, "stopping", {}),
              "2026-11-22T12:00:00.000Z info stopping");
    EXPECT_EQ(format_event(LogFormat::json, kNoon, Level::info, "stopping", {}),
              R"({"time":"2026-11-22T12:00:00.000Z","level":"info","event":"stopping"})");
}

// ---- the log itself, in a child whose stderr is a pipe ----

class StderrLog : public testing::Test {
  protected:
    StderrLog() { EXPECT_EQ(::pipe2(pipe_.data(), O_CLOEXEC), 0); }
    ~StderrLog() override
    {
        close_end(0);
        close_end(1);
    }

    template <typename Body>
    Child with_stderr(Body body)
    {
        return Child([this, body] {
            if (::dup2(pipe_[1], STDERR_FILENO) < 0) return 3;
            close_end(0);
            close_end(1);
            return body();
        });
    }
    [[nodiscard]] std::vector<std::string> read_lines()
    {
        close_end(1);
        std::string all;
        std::array<char, 4096> buffer{};
        for (ssize_t count = 0; (count = ::read(pipe_[0], buffer.data(), buffer.size())) > 0;) {
            all.append(buffer.data(), static_cast<std::size_t>(count));
        }
        std::vector<std::string> lines;
        std::istringstream stream(all);
        for (std::string line; std::getline(stream, line);) lines.push_back(line);
        return lines;
    }
    void close_end(std::size_t end)
    {
        if (pipe_[end] >= 0) ::close(std::exchange(pipe_[end], -1));
    }

    std::array<int, 2> pipe_{-1, -1};
};

constexpr auto kLine = R"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z )";

TEST_F(StderrLog, WhatIsWrittenBeforeItsEndIsWrittenOutInOrder)
{
    auto child = with_stderr([] {
        const auto log = open_stderr_log(LogFormat::text, Level::info);
        for (int i = 0; i < 100; ++i) log->write(Level::info, "event", {{"number", std::to_string(i)}});
        return 0;
    });
    const auto lines = read_lines();
    ASSERT_THAT(lines, SizeIs(100));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        EXPECT_THAT(lines[i], MatchesRegex(kLine + std::string("info event number=") + std::to_string(i)));
    }
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(StderrLog, DropsWhatIsBelowItsLevel)
{
    auto child = with_stderr([] {
        const auto log = open_stderr_log(LogFormat::json, Level::warning);
        for (const auto level : {Level::debug, Level::info, Level::warning, Level::error})
            log->write(level, "event", {});
        return 0;
    });
    const auto lines = read_lines();
    ASSERT_THAT(lines, SizeIs(2));
    EXPECT_EQ(boost::json::parse(lines[0]).at("level"), "warning");
    EXPECT_EQ(boost::json::parse(lines[1]).at("level"), "error");
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(StderrLog, LinesOfManyThreadsStayWhole)
{
    constexpr int per_thread = 100;  // fewer in all than the queue holds
    auto child = with_stderr([] {
        const auto log = open_stderr_log(LogFormat::json, Level::info);
        std::vector<std::jthread> threads;
        for (int t = 0; t < 8; ++t) {
            threads.emplace_back([&log, t] {
                for (int i = 0; i < per_thread; ++i) {
                    log->write(Level::info, "event",
                               {{"thread", std::to_string(t)}, {"text", std::string(300, 'x')}});
                }
            });
        }
        threads.clear();
        return 0;
    });
    const auto lines = read_lines();
    EXPECT_THAT(lines, SizeIs(8 * per_thread));
    for (const auto& line : lines) EXPECT_EQ(boost::json::parse(line).at("text").as_string().size(), 300U);
    EXPECT_EQ(child.exit_code(), 0);
}

/// Of the pipe that it is.
void await_octets_in_stderr()
{
    for (int octets = 0; octets == 0;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (::ioctl(STDERR_FILENO, FIONREAD, &octets) != 0) return;
    }
}

TEST_F(StderrLog, AReaderThatSleepsHoldsUpNeitherTheServerNorItsEnd)
{
    const auto begin = std::chrono::steady_clock::now();
    auto child = with_stderr([] {
        const auto log = open_stderr_log(LogFormat::text, Level::info);
        for (int i = 0; i < 5000; ++i) {  // far more than pipe and queue hold together
            log->write(Level::info, "event",
                       {{"number", std::to_string(i)}, {"text", std::string(200, 'x')}});
            if (i == 0) await_octets_in_stderr();  // else it may be lost in the queue
        }
        return 0;
    });
    EXPECT_EQ(child.exit_code(), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30))
        << "a second, on an idle machine";
    const auto lines = read_lines();
    ASSERT_FALSE(lines.empty());
    EXPECT_THAT(lines.front(), HasSubstr(" number=0 ")) << "what was in the pipe already stays";
}

TEST_F(StderrLog, LostLinesAreCounted)
{
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
    auto child = with_stderr([ready] {
        const auto log = open_stderr_log(LogFormat::text, Level::info);
        for (int i = 0; i < 5000; ++i) {
            log->write(Level::info, "event",
                       {{"number", std::to_string(i)}, {"text", std::string(200, 'x')}});
        }
        return ::write(ready[1], "x", 1) == 1 ? 0
                                              : 1;  // the reader wakes up; the rest is written out at the end
    });
    char woken{};
    EXPECT_EQ(::read(ready[0], &woken, 1), 1);
    const auto lines = read_lines();
    EXPECT_EQ(child.exit_code(), 0);
    for (const auto end : ready) ::close(end);

    std::size_t lost = 0;
    std::size_t events = 0;
    for (const auto& line : lines) {
        const auto at = line.find("log_overrun lost=");
        if (at != std::string::npos) {
            lost += std::stoul(line.substr(at + 17));
        } else {
            events += line.find(" event number=") != std::string::npos ? 1 : 0;
        }
    }
    EXPECT_GT(lost, 0U);
    EXPECT_EQ(events + lost, 5000U);
    EXPECT_THAT(lines.back(), HasSubstr(" number=4999 ")) << "the newest are kept";
}

TEST_F(StderrLog, AReaderThatHasLeftHurtsNobody)
{
    close_end(0);
    auto child = with_stderr([] {
        const auto log = open_stderr_log(LogFormat::text, Level::info);
        for (int i = 0; i < 10; ++i) log->write(Level::info, "event", {});
        return 0;  // SIGPIPE has its default action here
    });
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(StderrLog, ItsThreadTakesNoSignals)
{
    auto child = with_stderr([] {
        static volatile std::sig_atomic_t taken_by_main = 0;
        static const auto main_thread = ::pthread_self();
        const auto log = open_stderr_log(LogFormat::text, Level::info);
        log->write(Level::info, "event", {});
        std::signal(SIGUSR1,
                    [](int) { taken_by_main = ::pthread_equal(::pthread_self(), main_thread) != 0 ? 1 : 2; });
        ::kill(::getpid(), SIGUSR1);
        return taken_by_main == 1 ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

}  // namespace
}  // namespace securelogin
