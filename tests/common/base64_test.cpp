#include "common/base64.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace securelogin {
namespace {

using namespace std::string_view_literals;

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::optional<std::string> decoded(std::string_view text)
{
    const auto bytes = from_base64(text);
    return bytes ? std::optional(std::string(bytes->view())) : std::nullopt;
}

struct PairCase {
    std::string name;
    std::string bytes;
    std::string text;  // without padding
    std::string padded;
};

class Base64 : public testing::TestWithParam<PairCase> {};

TEST_P(Base64, ThereAndBack)
{
    const auto& row = GetParam();
    EXPECT_EQ(to_base64(bytes_of(row.bytes)), row.text);
    EXPECT_EQ(decoded(row.text), row.bytes);
    EXPECT_EQ(decoded(row.padded), row.bytes);
}

// RFC 4648 section 10, and the ends of the alphabet.
INSTANTIATE_TEST_SUITE_P(Rfc4648, Base64,
                         testing::Values(PairCase{"Empty", "", "", ""},                             //
                                         PairCase{"One", "f", "Zg", "Zg=="},                        //
                                         PairCase{"Two", "fo", "Zm8", "Zm8="},                      //
                                         PairCase{"Three", "foo", "Zm9v", "Zm9v"},                  //
                                         PairCase{"Four", "foob", "Zm9vYg", "Zm9vYg=="},            //
                                         PairCase{"Five", "fooba", "Zm9vYmE", "Zm9vYmE="},          //
                                         PairCase{"Six", "foobar", "Zm9vYmFy", "Zm9vYmFy"},         //
                                         PairCase{"Zeroes", std::string(3, '\0'), "AAAA", "AAAA"},  //
                                         PairCase{"Nul", std::string(1, '\0'), "AA", "AA=="},       //
                                         PairCase{"Last", "\xFF\xFF\xFF", "////", "////"},          //
                                         PairCase{"LastButOne", "\xFB\xEF\xBE", "++++", "++++"}),
                         [](const auto& row) { return row.param.name; });

TEST(ToBase64, PutsAllInOneLine)
{
    const auto text = to_base64(std::vector<std::uint8_t>(3000));
    EXPECT_EQ(text, std::string(4000, 'A'));
    EXPECT_EQ(decoded(text), std::string(3000, '\0'));
}

struct BadCase {
    std::string name;
    std::string text;
};

class NoBase64 : public testing::TestWithParam<BadCase> {};

TEST_P(NoBase64, IsRefused) { EXPECT_EQ(decoded(GetParam().text), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(Base64, NoBase64,
                         testing::Values(BadCase{"OneSymbol", "Z"},                       //
                                         BadCase{"OneSymbolTooMany", "Zm9vY"},            //
                                         BadCase{"OnlyPadding", "="},                     //
                                         BadCase{"OnlyPaddingTwice", "=="},               //
                                         BadCase{"AGroupOfPadding", "===="},              //
                                         BadCase{"TooLittlePadding", "Zg="},              //
                                         BadCase{"TooMuchPadding", "Zm8=="},              //
                                         BadCase{"ThreePads", "Z==="},                    //
                                         BadCase{"PaddingAfterAWholeGroup", "Zm9v="},     //
                                         BadCase{"AGroupOfPaddingAfterOne", "Zm9v===="},  //
                                         BadCase{"PaddingInside", "Zg==Zg=="},            //
                                         BadCase{"PaddingFirst", "=Zm9"},                 //
                                         BadCase{"FourBitsOfNoByte", "Zh"},               //
                                         BadCase{"FourBitsOfNoBytePadded", "Zh=="},       //
                                         BadCase{"TwoBitsOfNoByte", "Zm9"},               //
                                         BadCase{"TwoBitsOfNoBytePadded", "Zm9="},        //
                                         BadCase{"UrlAlphabet", "-_-_"},                  //
                                         BadCase{"BlankBefore", " Zm9v"},                 //
                                         BadCase{"BlankAfter", "Zm9v "},                  //
                                         BadCase{"LineFeed", "Zm9v\n"},                   //
                                         BadCase{"LineFeedInside", "Zm9v\nZm9v"},         //
                                         BadCase{"Nul", std::string("Zm9\0", 4)},         //
                                         BadCase{"HighBit", "Zm9\xF6"}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin
