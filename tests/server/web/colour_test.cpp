#include "server/web/colour.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace securelogin::web {
namespace {

/// The cube of colours, coarsely.
std::vector<Colour> every_colour()
{
    std::vector<Colour> colours;
    for (int red = 0; red <= 255; red += 15)
        for (int green = 0; green <= 255; green += 15)
            for (int blue = 0; blue <= 255; blue += 15)
                colours.push_back({static_cast<std::uint8_t>(red), static_cast<std::uint8_t>(green),
                                   static_cast<std::uint8_t>(blue)});
    return colours;
}

TEST(Colour, IsReadAndWritten)
{
    EXPECT_EQ(Colour::parse("#0a8Fff"), (Colour{0x0a, 0x8f, 0xff}));
    EXPECT_EQ((Colour{0x0a, 0x8f, 0xff}).text(), "#0a8fff");
}

TEST(Colour, NothingElseIsOne)
{
    for (const std::string_view text : {"", "#", "#fff", "0a8fff", "#0a8fff0", "#0a8ff", "#0a8fg0", "#-a8fff",
                                        "#+a8fff", "# a8fff", "#0x8fff", "red", "#0a8fff;", "#0a8ff}"})
        EXPECT_EQ(Colour::parse(text), std::nullopt) << text;
}

TEST(Colour, ContrastIsThatOfWcag)
{
    EXPECT_NEAR(contrast(kBlack, kWhite), 21.0, 0.001);
    EXPECT_NEAR(contrast(kWhite, kWhite), 1.0, 0.001);
    // The well-known grey that just passes on white, and the one that just fails.
    EXPECT_NEAR(contrast({0x76, 0x76, 0x76}, kWhite), 4.54, 0.01);
    EXPECT_NEAR(contrast(kWhite, {0x77, 0x77, 0x77}), 4.48, 0.01);
    EXPECT_NEAR(contrast({0xff, 0, 0}, kWhite), 4.00, 0.01);
}

TEST(Colour, WhatIsWrittenOnAnyCanBeRead)
{
    for (const auto colour : every_colour())
        EXPECT_GE(contrast(colour, ink_on(colour)), 4.5) << colour.text();
}

TEST(Colour, AnyCanBeMadeReadable)
{
    for (const auto paper : {kWhite, Colour{0xf4, 0xf5, 0xf7}, Colour{0x17, 0x1b, 0x21}})
        for (const auto colour : every_colour())
            EXPECT_GE(contrast(paper, readable_on(paper, colour, 4.5)), 4.5) << colour.text();
}

TEST(Colour, WhatCanBeReadIsLeftAlone)
{
    EXPECT_EQ(readable_on(kWhite, {0x2f, 0x5b, 0xd7}, 4.5), (Colour{0x2f, 0x5b, 0xd7}));
    EXPECT_NE(readable_on(kWhite, {0xff, 0xd0, 0x00}, 4.5), (Colour{0xff, 0xd0, 0x00}));
}

TEST(Colour, MixesByHundredths)
{
    EXPECT_EQ(mixed(kBlack, kWhite, 0), kBlack);
    EXPECT_EQ(mixed(kBlack, kWhite, 100), kWhite);
    EXPECT_EQ(mixed({10, 20, 30}, {110, 20, 0}, 50), (Colour{60, 20, 15}));
}

}  // namespace
}  // namespace securelogin::web
