#include "common/qr_code.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.hpp"

namespace securelogin {
namespace {

constexpr auto kShortUri =
    "otpauth://totp/SecureLogin:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=SecureLogin";

QrCode encode(const std::string& text) { return QrCode::of(Secret::copy_of(text)); }

/// What zbarimg, which shares no code with us, reads in a PNG.
std::string read_png(std::string_view png)
{
    const support::TemporaryDirectory directory;
    const auto name = (directory / "code.png").string();
    std::ofstream(name, std::ios::binary) << png;
    const auto command = "zbarimg --quiet --raw -Sdisable -Sqrcode.enable " + name + " 2>/dev/null";
    std::string read;
    {
        const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
        std::array<char, 4096> chunk{};
        while (const auto count = std::fread(chunk.data(), 1, chunk.size(), pipe.get())) {
            read.append(chunk.data(), count);
        }
    }
    return read;
}

struct TextCase {
    const char* name;
    std::string text;
    int size;  // modules; ISO/IEC 18004: 17 + 4 * version
};

class QrCodeOf : public testing::TestWithParam<TextCase> {};

TEST_P(QrCodeOf, IsAsSmallAsCanBe) { EXPECT_EQ(encode(GetParam().text).size(), GetParam().size); }

TEST_P(QrCodeOf, IsReadBack)
{
    EXPECT_EQ(read_png(png_picture(encode(GetParam().text)).view()), GetParam().text + "\n");
}

INSTANTIATE_TEST_SUITE_P(Texts, QrCodeOf,
                         testing::Values(TextCase{"OneLetter", "a", 21},  //
                                         TextCase{"ShortUri", kShortUri, 37},
                                         TextCase{
                                             "LongestNameSha512",
                                             "otpauth://totp/Example%20Org:" + std::string(64, 'n') +
                                                 "?secret=" + std::string(103, 'A') +
                                                 "&issuer=Example%20Org&algorithm=SHA512&digits=8&period=60",
                                             57},
                                         TextCase{"FullestByteMode", std::string(2953, 'x'), 177}),
                         [](const auto& row) { return row.param.name; });

TEST(QrCode, RefusesWhatDoesNotFit) { EXPECT_THROW((void)encode(std::string(2954, 'x')), std::length_error); }

TEST(QrCode, HasFinderPatternsInThreeCorners)
{
    const auto code = encode(kShortUri);
    const int last = code.size() - 1;
    EXPECT_TRUE(code.dark(0, 0));
    EXPECT_TRUE(code.dark(last, 0));
    EXPECT_TRUE(code.dark(0, last));
    EXPECT_FALSE(code.dark(7, 0)) << "the separator beside the finder pattern is light";
}

TEST(QrCode, IsLightAllRound)
{
    const auto code = encode(kShortUri);
    for (int at = -4; at < code.size() + 4; ++at) {
        EXPECT_FALSE(code.dark(at, -1));
        EXPECT_FALSE(code.dark(-1, at));
        EXPECT_FALSE(code.dark(at, code.size()));
        EXPECT_FALSE(code.dark(code.size(), at));
    }
}

TEST(PngPicture, IsOneBitAPixelWithQuietZone)
{
    const auto png = png_picture(encode(kShortUri));
    const auto at = [&](std::size_t offset) { return static_cast<unsigned char>(png.view().at(offset)); };
    constexpr int side = (37 + 2 * 4) * 8;
    EXPECT_EQ(png.view().substr(0, 8), "\x89PNG\r\n\x1a\n");
    EXPECT_EQ(at(18) * 256 + at(19), side);
    EXPECT_EQ(at(22) * 256 + at(23), side);
    EXPECT_EQ(at(24), 1) << "bit depth";
    EXPECT_LT(png.size(), 1000U);
}

TEST(TerminalPicture, OfAUsualUriFits80x24WithTheUriBelow)
{
    const auto cells = terminal_cells(encode(kShortUri));
    EXPECT_EQ(cells.columns, 41);
    EXPECT_EQ(cells.rows, 21);
}

/// The cells of a picture, escape codes left out.
std::vector<std::u32string> cells(std::string_view picture)
{
    std::vector<std::u32string> lines(1);
    for (std::size_t at = 0; at < picture.size(); ++at) {
        const auto octet = static_cast<unsigned char>(picture[at]);
        if (octet == '\x1b') {
            at = picture.find('m', at);
        } else if (octet == '\n') {
            lines.emplace_back();
        } else if (octet == ' ') {
            lines.back() += U' ';
        } else {  // three octets, E2 96 xx
            lines.back() +=
                static_cast<char32_t>(0x2580 + static_cast<unsigned char>(picture[at + 2]) - 0x80);
            at += 2;
        }
    }
    lines.pop_back();
    return lines;
}

class TerminalPictureIn : public testing::TestWithParam<Ink> {};

TEST_P(TerminalPictureIn, HasEveryModuleInItsHalfOfACell)
{
    const bool foreground_is_dark = GetParam() == Ink::colours;
    const auto code = encode(kShortUri);
    const auto picture = terminal_picture(code, GetParam());
    const auto lines = cells(picture.view());
    ASSERT_EQ(lines.size(), 21U);
    for (std::size_t row = 0; row < lines.size(); ++row) {
        ASSERT_EQ(lines[row].size(), 41U);
        for (std::size_t column = 0; column < lines[row].size(); ++column) {
            const char32_t cell = lines[row][column];
            const bool upper = cell == U'\u2580' || cell == U'\u2588';
            const bool lower = cell == U'\u2584' || cell == U'\u2588';
            const int x = static_cast<int>(column) - 2;
            const int y = static_cast<int>(2 * row) - 2;
            ASSERT_EQ(code.dark(x, y), upper == foreground_is_dark) << x << "," << y;
            ASSERT_EQ(code.dark(x, y + 1), lower == foreground_is_dark) << x << "," << y + 1;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Inks, TerminalPictureIn, testing::Values(Ink::colours, Ink::plain),
                         [](const auto& row) { return row.param == Ink::colours ? "Colours" : "Plain"; });

TEST(TerminalPicture, SetsBothColoursOnEachLineAndLeavesThemBeforeItsEnd)
{
    const auto picture = terminal_picture(encode(kShortUri), Ink::colours);
    std::string_view rest = picture.view();
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        EXPECT_TRUE(line.starts_with("\x1b[38;5;16;48;5;231m"));
        EXPECT_TRUE(line.ends_with("\x1b[0m"));
        rest.remove_prefix(line.size() + 1);
    }
}

TEST(TerminalPicture, HasNoEscapeCodesWhenPlain)
{
    EXPECT_EQ(terminal_picture(encode(kShortUri), Ink::plain).view().find('\x1b'), std::string_view::npos);
}

}  // namespace
}  // namespace securelogin
