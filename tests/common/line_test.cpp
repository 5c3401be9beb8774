#include "common/line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace securelogin {

void PrintTo(LineError error, std::ostream* out) { *out << describe(error); }

namespace {

using namespace std::string_view_literals;

/// What came out of a LineBuffer, in order; an error is the last.
struct Cut {
    std::vector<std::string> lines;
    std::optional<LineError> error;
    std::size_t pending = 0;
};

/// Reads `wire` in pieces of at most `piece` octets, as a socket would give them.
Cut cut(std::string_view wire, std::size_t piece)
{
    LineBuffer buffer;
    Cut result;
    while (true) {
        auto next = buffer.next();
        if (next.error) {
            result.error = next.error;
            break;
        }
        if (next.line) {
            result.lines.emplace_back(next.line->view());
            continue;
        }
        if (wire.empty()) break;
        const auto space = buffer.space();
        const auto size = std::min({piece, space.size(), wire.size()});
        if (size == 0) throw std::logic_error("nothing to read into, and no line");
        std::ranges::copy(wire.substr(0, size), space.begin());
        buffer.received(size);
        wire.remove_prefix(size);
    }
    if (!result.error) result.pending = buffer.pending();
    return result;
}

struct LineCase {
    std::string name;
    std::string wire;
    Cut expected;
};

class LineBufferCuts : public testing::TestWithParam<LineCase> {};

// However the octets arrive, the lines are the same.
TEST_P(LineBufferCuts, InWhateverPieces)
{
    for (const std::size_t piece :
         std::initializer_list<std::size_t>{1, 2, 3, 7, 1023, 1024, 1025, 1026, 4096}) {
        const auto result = cut(GetParam().wire, piece);
        EXPECT_EQ(result.lines, GetParam().expected.lines) << piece;
        EXPECT_EQ(result.error, GetParam().expected.error) << piece;
        EXPECT_EQ(result.pending, GetParam().expected.pending) << piece;
    }
}

const std::string kLongest(1024, 'x');
const std::string kLongestEuro = std::string(1021, 'x') + "\xE2\x82\xAC";

INSTANTIATE_TEST_SUITE_P(
    Lines, LineBufferCuts,
    testing::Values(
        LineCase{"Nothing", "", {{}, {}, 0}},                                                             //
        LineCase{"Lf", "alice\n", {{"alice"}, {}, 0}},                                                    //
        LineCase{"CrLf", "alice\r\n", {{"alice"}, {}, 0}},                                                //
        LineCase{"Empty", "\n\r\n\n", {{"", "", ""}, {}, 0}},                                             //
        LineCase{"Several", "alice\npassword\r\n492039\n", {{"alice", "password", "492039"}, {}, 0}},     //
        LineCase{"Unfinished", "alice\npass", {{"alice"}, {}, 4}},                                        //
        LineCase{"CrIsNoEnding", "alice\n\r", {{"alice"}, {}, 1}},                                        //
        LineCase{"BlanksStay", "  a b \n", {{"  a b "}, {}, 0}},                                          //
        LineCase{"Utf8", "na\xC3\xAFve \xF0\x9F\x94\x91\n", {{"na\xC3\xAFve \xF0\x9F\x94\x91"}, {}, 0}},  //
        LineCase{"AfterC1", "\xC2\xA0\n", {{"\xC2\xA0"}, {}, 0}},                                         //
        LineCase{"LastCodePoint", "\xF4\x8F\xBF\xBF\n", {{"\xF4\x8F\xBF\xBF"}, {}, 0}},                   //
        LineCase{"LongestLf", kLongest + '\n', {{kLongest}, {}, 0}},                                      //
        LineCase{"LongestCrLf", kLongest + "\r\n", {{kLongest}, {}, 0}},                                  //
        LineCase{"LongestTwice", kLongest + "\r\n" + kLongest + "\r\nx", {{kLongest, kLongest}, {}, 1}},  //
        LineCase{"LongestUtf8", kLongestEuro + "\r\n", {{kLongestEuro}, {}, 0}},                          //
        LineCase{"LongestUnfinished", kLongest, {{}, {}, 1024}},                                          //
        LineCase{"LongestWaitsForLf", kLongest + '\r', {{}, {}, 1025}}),
    [](const auto& row) { return row.param.name; });

constexpr auto too_long = LineError::too_long;
constexpr auto control = LineError::control_character;
constexpr auto malformed = LineError::malformed_utf8;

INSTANTIATE_TEST_SUITE_P(
    Errors, LineBufferCuts,
    testing::Values(LineCase{"OneTooLong", kLongest + "x\n", {{}, too_long}},                //
                    LineCase{"OneTooLongCrLf", kLongest + "x\r\n", {{}, too_long}},          //
                    LineCase{"TooLongIsKnownBeforeItsEnd", kLongest + 'x', {{}, too_long}},  //
                    LineCase{"CrCannotStretchIt", kLongest + "\r\r", {{}, too_long}},        //
                    LineCase{"EndlessLine", std::string(10'000, 'x'), {{}, too_long}},       //
                    LineCase{"AfterAGoodLine", "alice\n\x01\n", {{"alice"}, control}},       //
                    LineCase{"SecondCr", "alice\r\r\n", {{}, control}},                      //
                    LineCase{"CrInside", "al\rice\n", {{}, control}},                        //
                    LineCase{"Nul", std::string("al\0ice\n"sv), {{}, control}},              //
                    LineCase{"Tab", "al\tice\n", {{}, control}},                             //
                    LineCase{"Escape", "\x1B[2J\n", {{}, control}},                          //
                    LineCase{"LastOfC0", "\x1F\n", {{}, control}},                           //
                    LineCase{"Del", "alice\x7F\n", {{}, control}},                           //
                    LineCase{"FirstOfC1", "\xC2\x80\n", {{}, control}},                      //
                    LineCase{"NextLine", "\xC2\x85\n", {{}, control}},                       //
                    LineCase{"LastOfC1", "\xC2\x9F\n", {{}, control}},                       //
                    LineCase{"Latin1", "\xFC\n", {{}, malformed}},                           //
                    LineCase{"RawC1", "\x9B\n", {{}, malformed}},                            //
                    LineCase{"OverlongNul", "\xC0\x80\n", {{}, malformed}},                  //
                    LineCase{"OverlongLf", "\xC0\x8A\n", {{}, malformed}},                   //
                    LineCase{"OverlongInThree", "\xE0\x80\x8A\n", {{}, malformed}},          //
                    LineCase{"OverlongInFour", "\xF0\x80\x80\x8A\n", {{}, malformed}},       //
                    LineCase{"Surrogate", "\xED\xA0\x80\n", {{}, malformed}},                //
                    LineCase{"LastSurrogate", "\xED\xBF\xBF\n", {{}, malformed}},            //
                    LineCase{"BeyondUnicode", "\xF4\x90\x80\x80\n", {{}, malformed}},        //
                    LineCase{"FiveOctets", "\xF8\x88\x80\x80\x80\n", {{}, malformed}},       //
                    LineCase{"CutByItsEnding", "\xE2\x82\n", {{}, malformed}},               //
                    LineCase{"CutByCr", "\xE2\x82\r\n", {{}, malformed}},                    //
                    LineCase{"Continuation", "\x80\n", {{}, malformed}},                     //
                    LineCase{"ByteOrderFE", "\xFE\xFF\n", {{}, malformed}}),
    [](const auto& row) { return row.param.name; });

TEST(LineBuffer, TakesNoMoreThanALine)
{
    LineBuffer buffer;
    EXPECT_EQ(buffer.pending(), 0U);
    EXPECT_EQ(buffer.space().size(), kLineLimit + 2);
}

TEST(LineBuffer, KeepsNothingOfALineThatWasRead)
{
    LineBuffer buffer;
    const auto space = buffer.space();
    std::ranges::copy("password\nnext"sv, space.begin());
    buffer.received(13);
    EXPECT_EQ(buffer.next().line->view(), "password");
    EXPECT_FALSE(buffer.next().line);
    const std::string_view all(space.data(), space.size());
    EXPECT_EQ(all.substr(0, 4), "next");
    EXPECT_EQ(all.find_first_not_of('\0', 4), std::string_view::npos);
}

TEST(CheckLine, SaysWhatIsWrong)
{
    EXPECT_EQ(check_line(""), std::nullopt);
    EXPECT_EQ(check_line("alice"), std::nullopt);
    EXPECT_EQ(check_line(std::string(1024, 'x')), std::nullopt);
    EXPECT_EQ(check_line(std::string(1025, 'x')), LineError::too_long);
    EXPECT_EQ(check_line("a\nb"), LineError::control_character);
    EXPECT_EQ(check_line("a\xC3"), LineError::malformed_utf8);
}

TEST(DescribeLineError, HoldsNoPartOfTheLine)
{
    for (const auto error : {too_long, control, malformed}) EXPECT_FALSE(describe(error).empty());
    EXPECT_EQ(describe(too_long), "line longer than 1024 octets");
}

}  // namespace
}  // namespace securelogin
