#include "server/auth/breached_passwords.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "server/auth/password_rules.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin::auth {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string hex(const Sha1& hash)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    for (const auto octet : hash) {
        text += digits[octet >> 4U];
        text += digits[octet & 0xFU];
    }
    return text;
}

std::set<Sha1> random_hashes(std::size_t count, std::uint64_t seed = 1)
{
    std::mt19937_64 random(seed);
    std::set<Sha1> hashes;
    while (hashes.size() < count) {
        Sha1 hash{};
        for (auto& octet : hash) octet = static_cast<std::uint8_t>(random() >> 56U);
        hashes.insert(hash);
    }
    return hashes;
}

std::string list_of(const std::set<Sha1>& hashes, const std::string& ending = "\r\n")
{
    std::string text;
    std::size_t count = 0;
    for (const auto& hash : hashes) {
        // Counts of every length, so that lines begin everywhere in a block.
        text += hex(hash) + ":" + std::string(1 + count % 9, '7') + ending;
        ++count;
    }
    return text;
}

class Breached : public testing::Test {
  protected:
    void write(const std::string& text) { std::ofstream(file_, std::ios::binary) << text; }

    /// Why it is refused, at its opening or at a look-up of `hash`.
    std::string refusal(const std::optional<Sha1>& hash = std::nullopt)
    {
        try {
            const BreachedPasswords list(file_);
            if (hash) (void)list.find(*hash);
            return "none";
        } catch (const BreachedPasswordsError& error) {
            return error.what();
        }
    }

    support::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_ / "breached.txt";
};

TEST_F(Breached, KnowsAPasswordByItsSha1)
{
    EXPECT_EQ(hex(sha1_of("password")), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");  // FIPS 180-4
    write("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\r\n");
    const BreachedPasswords list(file_);
    EXPECT_TRUE(list.has(Secret::copy_of("password")));
    EXPECT_FALSE(list.has(Secret::copy_of("Password")));
}

struct SizeCase {
    std::string name;
    std::size_t lines;
    std::string ending = "\r\n";
};

class BreachedOfEverySize : public Breached, public testing::WithParamInterface<SizeCase> {};

TEST_P(BreachedOfEverySize, FindsAllThatIsThereAndNothingElse)
{
    const auto hashes = random_hashes(GetParam().lines);
    auto text = list_of(hashes, GetParam().ending);
    for (const bool last_line_is_ended : {true, false}) {
        if (!last_line_is_ended) text.resize(text.size() - GetParam().ending.size());
        write(text);
        const BreachedPasswords list(file_);
        EXPECT_EQ(list.most_reads(), 20);
        for (const auto& hash : hashes) {
            const auto search = list.find(hash);
            ASSERT_TRUE(search.found) << hex(hash);
            ASSERT_LE(search.reads, 20);
            auto beside = hash;  // whatever lies right before and after, and at both ends
            beside.back() ^= 1U;
            if (!hashes.contains(beside)) {
                ASSERT_FALSE(list.find(beside).found) << hex(beside);
            }
        }
        Sha1 highest{};
        highest.fill(0xFF);
        EXPECT_FALSE(list.find(Sha1{}).found);
        EXPECT_FALSE(list.find(highest).found);
    }
}

// A block's stride is 4,031 octets: 81 lines of 50, say.
INSTANTIATE_TEST_SUITE_P(Lists, BreachedOfEverySize,
                         testing::Values(SizeCase{"One", 1}, SizeCase{"Two", 2}, SizeCase{"OneBlock", 80},
                                         SizeCase{"AboutTwo", 170}, SizeCase{"SomeBlocks", 1000},
                                         SizeCase{"Many", 20000}, SizeCase{"PlainLineFeeds", 3000, "\n"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(Breached, EveryPlaceOfALinesStartInABlock)
{
    const auto hashes = random_hashes(300);
    for (std::size_t shift = 0; shift < 60; ++shift) {
        // A first line of another length moves all others.
        auto text = std::string(40, '0') + ":1" + std::string(shift % 20, '0') + (shift < 30 ? "\r\n" : "\n");
        text += list_of(hashes);
        write(text);
        const BreachedPasswords list(file_);
        for (const auto& hash : hashes) ASSERT_TRUE(list.find(hash).found) << shift << " " << hex(hash);
    }
}

TEST_F(Breached, HashesThatAreNotSpreadEvenlyTakeNoMoreReads)
{
    // Half as far from the start each time: whoever expects them spread evenly is wrong at every step.
    std::set<Sha1> hashes;
    for (int bit = 0; bit < 60; ++bit) {
        for (std::uint16_t number = 0; number < 500; ++number) {
            Sha1 hash{};
            hash.at(static_cast<std::size_t>(bit / 8)) = static_cast<std::uint8_t>(0x80U >> (bit % 8));
            hash[18] = static_cast<std::uint8_t>(number >> 8U);
            hash[19] = static_cast<std::uint8_t>(number & 0xFFU);
            hashes.insert(hash);
        }
    }
    write(list_of(hashes));
    const BreachedPasswords list(file_);
    for (const auto& hash : hashes) {
        const auto search = list.find(hash);
        ASSERT_TRUE(search.found);
        ASSERT_LE(search.reads, list.most_reads());
    }
    for (const auto& hash : random_hashes(500, 7)) ASSERT_LE(list.find(hash).reads, list.most_reads());
}

TEST_F(Breached, EvenlySpreadOnesTakeAFew)
{
    const auto hashes = random_hashes(20000);
    write(list_of(hashes));
    const BreachedPasswords list(file_);
    std::size_t reads = 0;
    for (const auto& hash : hashes) reads += static_cast<std::size_t>(list.find(hash).reads);
    EXPECT_LT(reads, 4 * hashes.size());  // by halves it would be seven or eight each
}

TEST_F(Breached, IsHeldOpen)
{
    const auto hashes = random_hashes(100);
    write(list_of(hashes));
    const BreachedPasswords list(file_);
    std::filesystem::remove(file_);
    EXPECT_TRUE(list.find(*hashes.begin()).found);
}

// Refused

struct BadCase {
    std::string name;
    std::string text;
    std::string why;
};

class BadList : public Breached, public testing::WithParamInterface<BadCase> {};

TEST_P(BadList, IsRefusedAtTheStartAndNamed)
{
    write(GetParam().text);
    EXPECT_THAT(refusal(), AllOf(HasSubstr(file_.string() + ": "), HasSubstr(GetParam().why)));
}

const std::string kHash = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
const std::string kLater = "6BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
constexpr auto kForm = "not 40 hexadecimal digits in upper case, a colon and a number";

INSTANTIATE_TEST_SUITE_P(
    Lists, BadList,
    testing::Values(
        BadCase{"Empty", "", "it is empty"}, BadCase{"EmptyLine", "\n", kForm},
        BadCase{"EmptyLineAtTheEnd", kHash + ":1\n\n", kForm}, BadCase{"NoCount", kHash + "\n", kForm},
        BadCase{"EmptyCount", kHash + ":\n", kForm}, BadCase{"CountOfLetters", kHash + ":many\n", kForm},
        BadCase{"NegativeCount", kHash + ":-1\n", kForm}, BadCase{"BlankBehind", kHash + ":1 \n", kForm},
        BadCase{"LowerCase", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8:1\n", kForm},
        BadCase{"ShortHash", kHash.substr(1) + ":1\n", kForm}, BadCase{"LongHash", kHash + "0:1\n", kForm},
        BadCase{"AnotherKindOfHash", "8846F7EAEE8FB117AD06BDD830B7586C:1\n", kForm},
        BadCase{"LongCount", kHash + ":" + std::string(21, '1') + "\n", kForm},
        BadCase{"Binary", std::string(8192, '\0'), "a line is too long"},
        BadCase{"Passwords", "password\n123456\n", kForm},
        BadCase{"ALineWithoutEnd", std::string(100000, 'A'), "a line is too long"},
        BadCase{"NotSorted", kLater + ":1\n" + kHash + ":1\n", "it is not sorted"},
        BadCase{"SortedByCount", kLater + ":9\n" + kHash + ":8\n", "it is not sorted"},
        BadCase{"Twice", kHash + ":1\n" + kHash + ":1\n", "it is not sorted"},
        BadCase{"TheSecondIsBroken", kHash + ":1\nbroken\n", "at octet 43: not 40"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Breached, TwoListsOneBehindTheOtherAreFoundOutAtTheStart)
{
    const auto text = list_of(random_hashes(20000));
    write(text + text);
    EXPECT_THAT(refusal(), HasSubstr("it is not sorted"));
}

TEST_F(Breached, ABlockOutOfPlaceIsAnErrorAndNeverANo)
{
    // Two halves exchanged in the small, where no sample looks: what is read there shows it.
    const auto hashes = random_hashes(40000);
    const std::vector<Sha1> sorted(hashes.begin(), hashes.end());
    std::string text;
    for (std::size_t at = 0; at < sorted.size(); ++at) {
        const auto shown = at == 21000 ? sorted[1] : sorted[at];
        text += hex(shown) + ":1\r\n";
    }
    write(text);
    EXPECT_EQ(refusal(), "none") << "not seen in the samples: else this shows nothing";
    EXPECT_THAT(refusal(sorted[21000]), HasSubstr("it is not sorted"));
}

TEST_F(Breached, MissingUnreadableOrNoFile)
{
    EXPECT_THAT(refusal(), HasSubstr("No such file"));
    std::filesystem::create_directory(file_);
    EXPECT_THAT(refusal(), HasSubstr("it is no regular file"));
    std::filesystem::remove(file_);
    ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
    EXPECT_THAT(refusal(), HasSubstr("it is no regular file")) << "and nobody has waited for a writer";
}

TEST_F(Breached, CutShortMeanwhileIsAnErrorAndNeverANo)
{
    const auto hashes = random_hashes(5000);
    write(list_of(hashes));
    const BreachedPasswords list(file_);
    std::filesystem::resize_file(file_, 0);
    for (const auto& hash : random_hashes(20, 5)) EXPECT_THROW((void)list.find(hash), BreachedPasswordsError);
}

TEST_F(Breached, WrittenOverMeanwhileIsAnErrorAndNeverANo)
{
    const auto hashes = random_hashes(5000);
    const auto text = list_of(hashes);
    write(text);
    const BreachedPasswords list(file_);
    write(std::string(text.size(), '\n'));
    for (const auto& hash : random_hashes(20, 5)) EXPECT_THROW((void)list.find(hash), BreachedPasswordsError);
}

// The rules that stand on it

class Rules : public Breached {
  protected:
    std::string why(std::string_view password, const PasswordRules& rules) const
    {
        return rules.why_refused(Secret::copy_of(password), *UserName::parse("alice")).value_or("accepted");
    }
    const std::vector<std::string> context_{"auth.example.net", "SecureLogin"};
};

TEST_F(Rules, WithoutAListThePolicyAlone)
{
    const PasswordRules rules(context_);
    EXPECT_EQ(why("correct horse battery staple", rules), "accepted");
    EXPECT_THAT(why("password123", rules), HasSubstr("easy to guess"));
    EXPECT_THAT(why("alice2024", rules), HasSubstr("your name"));
    EXPECT_THAT(why("auth.example.net", rules), HasSubstr("easy to guess"));
}

TEST_F(Rules, WithAListBoth)
{
    std::set<Sha1> hashes{sha1_of("correct horse battery staple"), sha1_of("violet tractors prefer mud")};
    write(list_of(hashes));
    const PasswordRules rules(context_, std::make_shared<const BreachedPasswords>(file_));
    EXPECT_THAT(why("correct horse battery staple", rules), HasSubstr("stolen elsewhere"));
    EXPECT_THAT(why("violet tractors prefer mud", rules), HasSubstr("stolen elsewhere"));
    EXPECT_EQ(why("Violet tractors prefer mud", rules), "accepted");
    EXPECT_THAT(why("password123", rules), HasSubstr("easy to guess"));
}

TEST_F(Rules, AListThatFailsIsNoYes)
{
    write(list_of(random_hashes(5000)));
    const PasswordRules rules(context_, std::make_shared<const BreachedPasswords>(file_));
    std::filesystem::resize_file(file_, 0);
    EXPECT_THROW((void)why("correct horse battery staple", rules), BreachedPasswordsError);
}

}  // namespace
}  // namespace securelogin::auth
