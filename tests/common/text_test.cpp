#include "common/text.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace securelogin {
namespace {

struct DecodeCase {
    std::string name;
    std::string text;
    std::int32_t code_point;
    std::size_t octets;
};

class DecodeUtf8 : public testing::TestWithParam<DecodeCase> {};

TEST_P(DecodeUtf8, TellsTheFirstCharacter)
{
    for (const std::string_view more : {"", "x", "\x80", "\xFF"}) {
        const auto decoded = decode_utf8(GetParam().text + std::string(more));
        ASSERT_TRUE(decoded);
        EXPECT_EQ(decoded->code_point, GetParam().code_point);
        EXPECT_EQ(decoded->octets, GetParam().octets);
    }
}

// Each length, its first and its last.
INSTANTIATE_TEST_SUITE_P(Text, DecodeUtf8,
                         testing::Values(DecodeCase{"Nul", std::string(1, '\0'), 0, 1},              //
                                         DecodeCase{"Letter", "x", 'x', 1},                          //
                                         DecodeCase{"LastOfOne", "\x7F", 0x7F, 1},                   //
                                         DecodeCase{"FirstOfTwo", "\xC2\x80", 0x80, 2},              //
                                         DecodeCase{"LastOfTwo", "\xDF\xBF", 0x7FF, 2},              //
                                         DecodeCase{"FirstOfThree", "\xE0\xA0\x80", 0x800, 3},       //
                                         DecodeCase{"BeforeSurrogates", "\xED\x9F\xBF", 0xD7FF, 3},  //
                                         DecodeCase{"AfterSurrogates", "\xEE\x80\x80", 0xE000, 3},   //
                                         DecodeCase{"LastOfThree", "\xEF\xBF\xBF", 0xFFFF, 3},       //
                                         DecodeCase{"FirstOfFour", "\xF0\x90\x80\x80", 0x10000, 4},  //
                                         DecodeCase{"LastOfFour", "\xF4\x8F\xBF\xBF", 0x10FFFF, 4}),
                         [](const auto& row) { return row.param.name; });

struct MalformedCase {
    std::string name;
    std::string text;
};

class MalformedUtf8 : public testing::TestWithParam<MalformedCase> {};

TEST_P(MalformedUtf8, IsNoCharacter)
{
    EXPECT_FALSE(decode_utf8(GetParam().text));
    EXPECT_FALSE(decode_utf8(GetParam().text + 'x'));
    if (!GetParam().text.empty()) {
        EXPECT_FALSE(nfc(GetParam().text));
        EXPECT_FALSE(nfc("x" + GetParam().text + "x"));
    }
}

INSTANTIATE_TEST_SUITE_P(Text, MalformedUtf8,
                         testing::Values(MalformedCase{"Continuation", "\x80"},                   //
                                         MalformedCase{"LastContinuation", "\xBF"},               //
                                         MalformedCase{"OverlongInTwo", "\xC0\x80"},              //
                                         MalformedCase{"LastOverlongInTwo", "\xC1\xBF"},          //
                                         MalformedCase{"OverlongInThree", "\xE0\x9F\xBF"},        //
                                         MalformedCase{"OverlongInFour", "\xF0\x8F\xBF\xBF"},     //
                                         MalformedCase{"FirstSurrogate", "\xED\xA0\x80"},         //
                                         MalformedCase{"LastSurrogate", "\xED\xBF\xBF"},          //
                                         MalformedCase{"BeyondUnicode", "\xF4\x90\x80\x80"},      //
                                         MalformedCase{"FarBeyond", "\xF7\xBF\xBF\xBF"},          //
                                         MalformedCase{"FiveOctets", "\xF8\x88\x80\x80\x80"},     //
                                         MalformedCase{"SixOctets", "\xFC\x84\x80\x80\x80\x80"},  //
                                         MalformedCase{"NeverUsed", "\xFF"},                      //
                                         MalformedCase{"OneOfTwo", "\xC3"},                       //
                                         MalformedCase{"OneOfThree", "\xE2"},                     //
                                         MalformedCase{"TwoOfThree", "\xE2\x82"},                 //
                                         MalformedCase{"OneOfFour", "\xF0"},                      //
                                         MalformedCase{"TwoOfFour", "\xF0\x9F"},                  //
                                         MalformedCase{"ThreeOfFour", "\xF0\x9F\x94"},            //
                                         MalformedCase{"LetterForTheSecond", "\xE2x\xAC"},        //
                                         MalformedCase{"LetterForTheLast", "\xF0\x9F\x94x"}),
                         [](const auto& row) { return row.param.name; });

TEST(DecodeUtf8, FindsNothingInNothing) { EXPECT_FALSE(decode_utf8("")); }

TEST(IsControl, IsC0DelAndC1)
{
    for (std::int32_t code_point = 0; code_point < 0x200; ++code_point) {
        const bool expected = code_point <= 0x1F || (code_point >= 0x7F && code_point <= 0x9F);
        EXPECT_EQ(is_control(code_point), expected) << code_point;
    }
    EXPECT_FALSE(is_control(0x2028));
}

TEST(IsPrintable, IsWhatATerminalMayShow)
{
    for (const std::int32_t shown :
         {0x20, 0x21, 0x7E, 0xA0, 0xE4, 0x301, 0x416, 0x3000, 0x4E2D, 0xFFFD, 0x1F511}) {
        EXPECT_TRUE(is_printable(shown)) << std::hex << shown;
    }
    const std::int32_t hidden[] = {0x00,    0x0A,   0x1B,   0x7F,     0x85,
                                   0x9B,  // controls
                                   0xAD,    0x61C,  0x200B, 0x200D,   0x200E,
                                   0x202E,  // format: soft hyphen, marks, zero width, overrides
                                   0x2028,  0x2029, 0x2066, 0x2069,   0xFEFF,
                                   0xE0041,  // separators, isolates, byte order mark, tags
                                   0xD800,  0xDFFF, 0xE000, 0xF8FF,   0xF0000,  // surrogates, private use
                                   0x378,   0xFFFE, 0xFFFF, 0x10FFFF, -1,
                                   0x110000};  // unassigned, no characters at all
    for (const auto code_point : hidden) EXPECT_FALSE(is_printable(code_point)) << std::hex << code_point;
}

struct PrintableCase {
    std::string name;
    std::string text;
    std::string shown;
};

class Printable : public testing::TestWithParam<PrintableCase> {};

TEST_P(Printable, EscapesTheRest) { EXPECT_EQ(printable(GetParam().text), GetParam().shown); }

INSTANTIATE_TEST_SUITE_P(Text, Printable,
                         testing::Values(PrintableCase{"Empty", "", ""},                                    //
                                         PrintableCase{"Ascii", "alice ~!", "alice ~!"},                    //
                                         PrintableCase{"Utf8", "na\xC3\xAFve", "na\xC3\xAFve"},             //
                                         PrintableCase{"Escape", "\x1B[31m", "\\x1b[31m"},                  //
                                         PrintableCase{"LineBreak", "a\r\nb", "a\\x0d\\x0ab"},              //
                                         PrintableCase{"Nul", std::string("a\0b", 3), "a\\x00b"},           //
                                         PrintableCase{"C1", "\xC2\x9B", "\\xc2\\x9b"},                     //
                                         PrintableCase{"Override", "a\xE2\x80\xAEz", "a\\xe2\\x80\\xaez"},  //
                                         PrintableCase{"Malformed", "a\xFFz", "a\\xffz"},                   //
                                         PrintableCase{"Truncated", "a\xE2\x82", "a\\xe2\\x82"},            //
                                         PrintableCase{"GoodAfterBad", "\xE2\xC3\xA4", "\\xe2\xC3\xA4"}),
                         [](const auto& row) { return row.param.name; });

TEST(Escaped, ShowsNoTwoTextsAlike)
{
    EXPECT_EQ(escaped("alice ~!"), "alice ~!");
    EXPECT_EQ(escaped("\x1B"), "\\x1b");
    EXPECT_EQ(escaped("\\x1b"), "\\\\x1b") << "what looks like an escape and is none";
    EXPECT_EQ(escaped("a\\"), "a\\\\");
}

TEST(CountCodePoints, CountsCharactersNotOctets)
{
    EXPECT_EQ(count_code_points(""), 0U);
    EXPECT_EQ(count_code_points("alice"), 5U);
    EXPECT_EQ(count_code_points("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x94\x91"), 3U);
    EXPECT_EQ(count_code_points("a\xCC\x88"), 2U);
}

struct NfcCase {
    std::string name;
    std::string text;
    std::string composed;
};

class Nfc : public testing::TestWithParam<NfcCase> {};

TEST_P(Nfc, Composes)
{
    const auto composed = nfc(GetParam().text);
    ASSERT_TRUE(composed);
    EXPECT_EQ(composed->view(), GetParam().composed);
    const auto again = nfc(composed->view());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->view(), GetParam().composed) << "not stable";
}

// UAX #15: composition, order of marks, singletons, exclusions, Hangul; no compatibility forms.
INSTANTIATE_TEST_SUITE_P(
    Text, Nfc,
    testing::Values(NfcCase{"Empty", "", ""},                                                      //
                    NfcCase{"Ascii", "correct horse", "correct horse"},                            //
                    NfcCase{"Nul", std::string("a\0b", 3), std::string("a\0b", 3)},                //
                    NfcCase{"Composed", "\xC3\xA4", "\xC3\xA4"},                                   //
                    NfcCase{"Decomposed", "a\xCC\x88", "\xC3\xA4"},                                //
                    NfcCase{"TwoMarks", "s\xCC\xA3\xCC\x87", "\xE1\xB9\xA9"},                      //
                    NfcCase{"TwoMarksInTheOtherOrder", "s\xCC\x87\xCC\xA3", "\xE1\xB9\xA9"},       //
                    NfcCase{"ComposedWithASecondMark", "\xE1\xB9\xA1\xCC\xA3", "\xE1\xB9\xA9"},    //
                    NfcCase{"BlockedMark", "a\xCC\x88\xCC\x88", "\xC3\xA4\xCC\x88"},               //
                    NfcCase{"MarkWithoutALetter", "\xCC\x88x", "\xCC\x88x"},                       //
                    NfcCase{"OhmSign", "\xE2\x84\xA6", "\xCE\xA9"},                                //
                    NfcCase{"CompositionExclusion", "\xE0\xA5\x98", "\xE0\xA4\x95\xE0\xA4\xBC"},   //
                    NfcCase{"HangulLv", "\xE1\x84\x80\xE1\x85\xA1", "\xEA\xB0\x80"},               //
                    NfcCase{"HangulLvt", "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", "\xEA\xB0\x81"},  //
                    NfcCase{"Ligature", "\xEF\xAC\x81", "\xEF\xAC\x81"},                           //
                    NfcCase{"FullWidth", "\xEF\xBC\xA1", "\xEF\xBC\xA1"},                          //
                    NfcCase{"Grows", "\xF0\x9D\x85\x9E", "\xF0\x9D\x85\x97\xF0\x9D\x85\xA5"},      //
                    NfcCase{"Emoji", "\xF0\x9F\x94\x91", "\xF0\x9F\x94\x91"}),
    [](const auto& row) { return row.param.name; });

TEST(Nfc, TakesAllThatALineHolds)
{
    std::string text;
    while (text.size() < 1024) text += "u\xCC\x88";
    const auto composed = nfc(text);
    ASSERT_TRUE(composed);
    EXPECT_EQ(composed->size(), text.size() / 3 * 2);
}

}  // namespace
}  // namespace securelogin
