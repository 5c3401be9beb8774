#include "server/admin/sealed_export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "tests/support/fake_random.hpp"

namespace securelogin::admin {
namespace {

using testing::HasSubstr;

constexpr std::size_t kHeader = 21 + 8 + 16;
static_assert(kSealedHeader == kHeader);
constexpr std::size_t kSealedChunk = ChunkCipher::kChunk + ChunkCipher::kTag;

Secret passphrase(std::string_view text = "correct horse") { return Secret::copy_of(text); }

std::string sealed(const std::string& plain, std::size_t piece = 1000)
{
    support::FakeRandom random;
    std::string file;
    SealedWriter writer(passphrase(), random, [&](std::string_view octets) { file += octets; }, auth::kFloor);
    for (std::size_t at = 0; at < plain.size(); at += piece)
        writer.write(std::string_view(plain).substr(at, piece));
    writer.finish();
    return file;
}

/// In pieces of odd sizes, as a pipe gives them.
SealedReader::Source source_of(const std::string& file)
{
    return [&file, at = std::size_t{0}](std::span<char> to) mutable {
        const auto count = std::min({to.size(), file.size() - at, std::size_t{4099}});
        std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(at), count, to.begin());
        at += count;
        return count;
    };
}

std::string opened(const std::string& file, std::string_view with = "correct horse")
{
    SealedReader reader(passphrase(with), source_of(file));
    std::string plain;
    while (const auto piece = reader.next()) plain += piece->view();
    return plain;
}

std::string refusal(const std::string& file, std::string_view with = "correct horse")
{
    try {
        (void)opened(file, with);
        return "none";
    } catch (const ExportError& error) {
        return error.what();
    }
}

std::string text_of(std::size_t size)
{
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
}

class OfSize : public testing::TestWithParam<std::size_t> {};

TEST_P(OfSize, ComesBackAsItWas)
{
    const auto plain = text_of(GetParam());
    const auto file = sealed(plain);
    EXPECT_TRUE(file.starts_with(kSealedExport));
    EXPECT_EQ(opened(file), plain);
    EXPECT_EQ(opened(sealed(plain, 70000)), plain);
}

INSTANTIATE_TEST_SUITE_P(Exports, OfSize, testing::Values(0, 1, 65535, 65536, 65537, 3 * 65536, 200000));

TEST(SealedExport, NothingOfItIsReadable)
{
    EXPECT_EQ(sealed("otpauth://totp/secret").find("otpauth"), std::string::npos);
}

TEST(SealedExport, AnotherPassphraseOpensNothing)
{
    EXPECT_THAT(refusal(sealed("text"), "correct horsf"), HasSubstr("the passphrase is wrong"));
}

struct Change {
    const char* name;
    std::function<void(std::string&)> change;
    const char* says;
};

class Changed : public testing::TestWithParam<Change> {};

/// Two whole chunks and a third that is shorter.
TEST_P(Changed, IsRefused)
{
    auto file = sealed(text_of(150000));
    ASSERT_EQ(file.size(), kHeader + 150000 + 3 * ChunkCipher::kTag);
    GetParam().change(file);
    EXPECT_THAT(refusal(file), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Exports, Changed,
    testing::Values(
        Change{"Empty", [](std::string& f) { f.clear(); }, "not a sealed export"},
        Change{"Plain",
               [](std::string& f) {
                   f = R"({"name":"alice"})"
                       "\n";
               },
               "not a sealed export"},
        Change{"HeaderCutOff", [](std::string& f) { f.resize(kHeader - 1); }, "not a sealed export"},
        Change{"OnlyTheHeader", [](std::string& f) { f.resize(kHeader); }, "has been changed"},
        Change{"CostLowered",
               [](std::string& f) {
                   f[22] = 0;
                   f[23] = 0;
               },
               "costs too much or too little"},
        Change{"CostRaised", [](std::string& f) { f[21] = '\x7F'; }, "costs too much or too little"},
        Change{"PassesChanged", [](std::string& f) { f[28] = 3; }, "has been changed"},
        Change{"SaltChanged", [](std::string& f) { f[kHeader - 1] ^= 1; }, "has been changed"},
        Change{"ABitInTheFirstChunk", [](std::string& f) { f[kHeader] ^= 1; }, "has been changed"},
        Change{"ABitInTheLastTag", [](std::string& f) { f.back() ^= 1; }, "has been changed"},
        Change{"TheLastChunkMissing", [](std::string& f) { f.resize(kHeader + 2 * kSealedChunk); },
               "its end is missing"},
        Change{"TheFirstChunkAlone", [](std::string& f) { f.resize(kHeader + kSealedChunk); },
               "has been changed"},
        Change{"CutOffInAChunk", [](std::string& f) { f.resize(f.size() - 100); }, "its end is missing"},
        Change{"AnOctetMore", [](std::string& f) { f += 'x'; }, "has been changed"},
        Change{"ChunksSwapped",
               [](std::string& f) {
                   std::swap_ranges(f.begin() + kHeader, f.begin() + kHeader + kSealedChunk,
                                    f.begin() + kHeader + kSealedChunk);
               },
               "has been changed"},
        Change{"AChunkTwice", [](std::string& f) { f.insert(kHeader, f.substr(kHeader, kSealedChunk)); },
               "has been changed"},
        Change{"AChunkLeftOut", [](std::string& f) { f.erase(kHeader + kSealedChunk, kSealedChunk); },
               "has been changed"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::admin
