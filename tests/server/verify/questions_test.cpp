#include "server/verify/questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace securelogin::verify {
namespace {

const std::string kLongest(kLongestQuestion, 'x');

struct LinesCase {
    std::string name;
    std::string octets;
    std::vector<std::string> lines;
    bool too_long = false;
    std::string left = {};  // not yet a line: what completes it makes this one
};

void PrintTo(const LinesCase& row, std::ostream* out) { *out << row.name; }

class QuestionLines : public testing::TestWithParam<LinesCase> {
  protected:
    /// All lines of `octets`, which come `chunk` at a time.
    static std::vector<std::string> lines_of(Questions& questions, std::string_view octets, std::size_t chunk)
    {
        std::vector<std::string> lines;
        while (!octets.empty() && !questions.too_long()) {
            const auto space = questions.space();
            const auto count = std::min({chunk, octets.size(), space.size()});
            std::ranges::copy(octets.substr(0, count), space.begin());
            questions.received(count);
            octets.remove_prefix(count);
            while (const auto line = questions.next()) lines.emplace_back(*line);
        }
        return lines;
    }
};

TEST_P(QuestionLines, AreTheSameHoweverTheyCome)
{
    const auto& row = GetParam();
    for (const std::size_t chunk : {1, 2, 7, 255, 2048}) {
        Questions questions;
        EXPECT_EQ(lines_of(questions, row.octets, chunk), row.lines) << chunk;
        EXPECT_EQ(questions.too_long(), row.too_long) << chunk;
        if (row.left.empty()) continue;
        EXPECT_THAT(lines_of(questions, "\n", chunk), testing::ElementsAre(row.left)) << chunk;
    }
}

std::string many_lines()
{
    std::string text;
    for (int line = 0; line < 500; ++line) text += std::to_string(line) + "\n";
    return text;
}
std::vector<std::string> many()
{
    std::vector<std::string> lines;
    for (int line = 0; line < 500; ++line) lines.push_back(std::to_string(line));
    return lines;
}

INSTANTIATE_TEST_SUITE_P(
    Verify, QuestionLines,
    testing::Values(LinesCase{"Nothing", "", {}}, LinesCase{"One", "a\n", {"a"}},
                    LinesCase{"Empty", "\n\n", {"", ""}}, LinesCase{"CarriageReturn", "a\r\nb\n", {"a", "b"}},
                    LinesCase{"OneCarriageReturnOnly", "a\r\r\n", {"a\r"}},
                    LinesCase{"Unfinished", "a\nbc", {"a"}, false, "bc"},
                    LinesCase{"AnyOctet", std::string("\0\xFF\x1B\t\n", 5), {std::string("\0\xFF\x1B\t", 4)}},
                    LinesCase{"Longest", kLongest + "\n", {kLongest}},
                    LinesCase{"LongestWithCarriageReturn", kLongest + "\r\n", {kLongest}},
                    LinesCase{"LongestUnfinished", kLongest, {}, false, kLongest},
                    LinesCase{"Many", many_lines(), many()},
                    LinesCase{"TooLong", kLongest + "x\nb\n", {}, true},
                    LinesCase{"TooLongWithoutEnd", kLongest + "xx", {}, true},
                    LinesCase{"TooLongAfterOthers", "a\n" + kLongest + kLongest + "\n", {"a"}, true},
                    LinesCase{"FarTooLong", std::string(5000, 'x'), {}, true}),
    [](const auto& row) { return row.param.name; });

TEST(Questions, WhatHasBeenAnsweredIsOverwritten)
{
    Questions questions;
    const std::string_view octets = "secret\nand more";
    const auto space = questions.space();
    std::ranges::copy(octets, space.begin());
    questions.received(octets.size());
    ASSERT_EQ(questions.next(), "secret");
    ASSERT_FALSE(questions.next());
    [[maybe_unused]] const auto next = questions.space();
    const std::string_view memory(space.data(), space.size());
    EXPECT_EQ(memory.find("secret"), std::string_view::npos);
    EXPECT_TRUE(memory.starts_with("and more"));
    EXPECT_EQ(memory.find("more", 8), std::string_view::npos);
}

}  // namespace
}  // namespace securelogin::verify
