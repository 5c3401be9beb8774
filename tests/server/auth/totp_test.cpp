#include "server/auth/totp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using std::chrono::seconds;
using support::kNoon;

constexpr TimeStep kNever = 0;  // last_step of an enrolment that has not been used

Time at(std::int64_t unix_time) { return Time(seconds(unix_time)); }

// RFC 6238 appendix B.  The seeds are as long as the hash (errata 2866).
struct VectorCase {
    std::string name;
    TotpAlgorithm algorithm;
    std::int64_t time;
    std::string code;
};

Secret rfc_seed(TotpAlgorithm algorithm)
{
    constexpr auto digits = "1234567890123456789012345678901234567890123456789012345678901234"sv;
    constexpr std::array<std::size_t, 3> sizes = {20, 32, 64};
    return Secret::copy_of(digits.substr(0, sizes[static_cast<std::size_t>(algorithm)]));
}

class Rfc6238 : public testing::TestWithParam<VectorCase> {};

TEST_P(Rfc6238, AppendixB)
{
    const auto& row = GetParam();
    const TotpParameters parameters{.algorithm = row.algorithm, .digits = 8};
    const auto match = match_code(rfc_seed(row.algorithm), parameters, row.code, at(row.time), 0, kNever);
    EXPECT_TRUE(match.matches);
    EXPECT_EQ(match.step, row.time / 30);
}

constexpr auto sha1 = TotpAlgorithm::sha1;
constexpr auto sha256 = TotpAlgorithm::sha256;
constexpr auto sha512 = TotpAlgorithm::sha512;

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Totp, Rfc6238,
    testing::Values(VectorCase{"Sha1_59",             sha1,   59,          "94287082"},
                    VectorCase{"Sha256_59",           sha256, 59,          "46119246"},
                    VectorCase{"Sha512_59",           sha512, 59,          "90693936"},
                    VectorCase{"Sha1_1111111109",     sha1,   1111111109,  "07081804"},
                    VectorCase{"Sha256_1111111109",   sha256, 1111111109,  "68084774"},
                    VectorCase{"Sha512_1111111109",   sha512, 1111111109,  "25091201"},
                    VectorCase{"Sha1_1111111111",     sha1,   1111111111,  "14050471"},
                    VectorCase{"Sha256_1111111111",   sha256, 1111111111,  "67062674"},
                    VectorCase{"Sha512_1111111111",   sha512, 1111111111,  "99943326"},
                    VectorCase{"Sha1_1234567890",     sha1,   1234567890,  "89005924"},
                    VectorCase{"Sha256_1234567890",   sha256, 1234567890,  "91819424"},
                    VectorCase{"Sha512_1234567890",   sha512, 1234567890,  "93441116"},
                    VectorCase{"Sha1_2000000000",     sha1,   2000000000,  "69279037"},
                    VectorCase{"Sha256_2000000000",   sha256, 2000000000,  "90698825"},
                    VectorCase{"Sha512_2000000000",   sha512, 2000000000,  "38618901"},
                    VectorCase{"Sha1_20000000000",    sha1,   20000000000, "65353130"},
                    VectorCase{"Sha256_20000000000",  sha256, 20000000000, "77737706"},
                    VectorCase{"Sha512_20000000000",  sha512, 20000000000, "47863826"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

/// What oathtool, a program of others, says the code is.
std::string oathtool_code(const Secret& secret, const TotpParameters& parameters, Time time)
{
    const auto algorithm = std::string(to_string(parameters.algorithm));
    const auto command = "oathtool --totp=" + algorithm + " --digits=" + std::to_string(parameters.digits) +
                         " --time-step-size=" + std::to_string(parameters.period.count()) + "s --now=@" +
                         std::to_string(time.time_since_epoch().count()) + " --base32 " +
                         std::string(to_base32(secret).view());
    const auto close = [](FILE* pipe) { return pclose(pipe); };
    const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
    std::array<char, 16> line{};
    if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr)
        throw std::runtime_error(command);
    const std::string_view code = line.data();
    return std::string(code.substr(0, code.find('\n')));
}

TEST(MatchCode, AgreesWithOathtool)
{
    constexpr int samples = 60;
    support::FakeRandom random;
    std::mt19937_64 draw(20260601);
    constexpr std::array periods = {10s, 30s, 60s, 300s};
    for (int sample = 0; sample < samples; ++sample) {
        const TotpParameters parameters{.algorithm = TotpAlgorithm(draw() % 3),
                                        .digits = draw() % 2 == 0 ? 6 : 8,
                                        .period = periods[draw() % periods.size()]};
        const auto secret = generate_totp_secret(parameters.algorithm, random);
        const auto now = at(static_cast<std::int64_t>(draw() % 5'000'000'000));
        const auto code = oathtool_code(secret, parameters, now);
        const auto match = match_code(secret, parameters, code, now, 0, -1);
        EXPECT_TRUE(match.matches) << sample;
        EXPECT_EQ(match.step, now.time_since_epoch() / parameters.period) << sample;
    }
}

// The codes of the RFC's SHA1 seed around kNoon, by oathtool; six digits, 30 s.
constexpr TimeStep kStep = 59'343'840;  // kNoon / 30
std::string code_of(TimeStep step) { return oathtool_code(rfc_seed(sha1), {}, at(step * 30)); }

struct WindowCase {
    std::string name;
    TimeStep code_step;
    seconds late;  // how long after kNoon
    int window;
    TimeStep last_step;
    bool matches;
    std::optional<TimeStep> step;
};

class CodeWindow : public testing::TestWithParam<WindowCase> {};

TEST_P(CodeWindow, IsSearchedWhole)
{
    const auto& row = GetParam();
    const auto match =
        match_code(rfc_seed(sha1), {}, code_of(row.code_step), kNoon + row.late, row.window, row.last_step);
    EXPECT_EQ(match.matches, row.matches);
    EXPECT_EQ(match.step, row.step);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Totp, CodeWindow,
    testing::Values(
        //         name                        code's step  late   window  last step   matches  step
        WindowCase{"OfThisStep",               kStep,       0s,    1,      kNever,     true,    kStep},
        WindowCase{"ToTheEndOfTheStep",        kStep,       29s,   0,      kNever,     true,    kStep},
        WindowCase{"NotBeyondIt",              kStep,       30s,   0,      kNever,     false,   {}},
        WindowCase{"OneStepLate",              kStep,       59s,   1,      kNever,     true,    kStep},
        WindowCase{"NotTwoStepsLate",          kStep,       60s,   1,      kNever,     false,   {}},
        WindowCase{"OneStepEarly",             kStep + 1,   0s,    1,      kNever,     true,    kStep + 1},
        WindowCase{"NotTwoStepsEarly",         kStep + 2,   29s,   1,      kNever,     false,   {}},
        WindowCase{"TwoStepsEarlyInAWiderOne", kStep + 2,   0s,    2,      kNever,     true,    kStep + 2},
        WindowCase{"NewerThanTheLast",         kStep,       0s,    1,      kStep - 1,  true,    kStep},
        WindowCase{"ReplayOfTheLast",          kStep,       0s,    1,      kStep,      true,    {}},
        WindowCase{"ReplayOfAnEarlierOne",     kStep - 1,   0s,    1,      kStep,      true,    {}},
        WindowCase{"OlderThanTheLast",         kStep,       0s,    1,      kStep + 1,  true,    {}},
        WindowCase{"LastStepInTheFuture",      kStep,       0s,    1,      kStep * 2,  true,    {}}),
    [](const auto& row) { return row.param.name; });
// clang-format on

// One code in a million is that of two steps of its window.  For the RFC's SHA1 seed, 468457 is.
constexpr TimeStep kTwin = 153'567, kOtherTwin = 153'569;

TEST(MatchCode, TakesTheEarliestStepThatIsNewer)
{
    const auto between = at((kTwin + 1) * 30);
    const auto step_after = [&](TimeStep last_step) {
        return match_code(rfc_seed(sha1), {}, "468457", between, 1, last_step).step;
    };
    EXPECT_EQ(step_after(kNever), kTwin);
    EXPECT_EQ(step_after(kTwin), kOtherTwin);
    EXPECT_EQ(step_after(kOtherTwin), std::nullopt);
}

struct FormCase {
    std::string name;
    std::string code;
    int digits = 6;
};

class MalformedCode : public testing::TestWithParam<FormCase> {};

TEST_P(MalformedCode, MatchesNothing)
{
    const auto& row = GetParam();
    const TotpParameters parameters{.digits = row.digits};
    const auto match = match_code(rfc_seed(sha1), parameters, row.code, at(59), 1, kNever);
    EXPECT_FALSE(match.matches);
    EXPECT_EQ(match.step, std::nullopt);
}

// The code at 59 s is 94287082 in eight digits, 287082 in six.
INSTANTIATE_TEST_SUITE_P(Totp, MalformedCode,
                         testing::Values(FormCase{"Empty", ""},                                       //
                                         FormCase{"OneDigitShort", "28708"},                          //
                                         FormCase{"OneDigitLong", "2870820"},                         //
                                         FormCase{"BlankBefore", " 287082"},                          //
                                         FormCase{"BlankAfter", "287082 "},                           //
                                         FormCase{"BlankInside", "287 082"},                          //
                                         FormCase{"BlankForADigit", "28708 "},                        //
                                         FormCase{"Plus", "+28708"},                                  //
                                         FormCase{"Minus", "-28708"},                                 //
                                         FormCase{"NulAfter", std::string("287082\0", 7)},            //
                                         FormCase{"NulForADigit", std::string("28708\0", 6)},         //
                                         FormCase{"FullWidthDigits", "\xEF\xBC\x92\xEF\xBC\x98"},     //
                                         FormCase{"ArabicIndicDigits", "\xD9\xA2\xD9\xA8\xD9\xA7"},   //
                                         FormCase{"Letters", "abcdef"},                               //
                                         FormCase{"EightWhereSixAreWanted", "94287082"},              //
                                         FormCase{"SixWhereEightAreWanted", "287082", 8},             //
                                         FormCase{"LeadingZerosWhereEightAreWanted", "00287082", 8},  //
                                         FormCase{"Long", std::string(1024, '2')}),
                         [](const auto& row) { return row.param.name; });

TEST(MatchCode, KnowsTheWellFormedTwinOfTheMalformedOnes)
{
    EXPECT_TRUE(match_code(rfc_seed(sha1), {}, "287082", at(59), 1, kNever).matches);
    EXPECT_FALSE(match_code(rfc_seed(sha1), {}, "287083", at(59), 1, kNever).matches);
    EXPECT_FALSE(match_code(rfc_seed(sha1), {}, "187082", at(59), 1, kNever).matches);
}

TEST(MatchCode, IsNotUpsetByAClockBeforeTheEpoch)
{
    EXPECT_FALSE(match_code(rfc_seed(sha1), {}, "000000", at(-1'000'000), 1, kNever).step);
    EXPECT_FALSE(match_code(rfc_seed(sha1), {}, "000000", at(0), 2, kNever).step);
}

TEST(TotpAlgorithm, HasNames)
{
    for (const auto algorithm : {sha1, sha256, sha512}) {
        EXPECT_EQ(parse_totp_algorithm(to_string(algorithm)), algorithm);
    }
    for (const auto text : {"", "SHA1", "sha", "sha-1", "md5", "sha1 ", "unknown"}) {
        EXPECT_EQ(parse_totp_algorithm(text), std::nullopt) << text;
    }
}

TEST(GenerateTotpSecret, IsAsLongAsTheHashAndNeverTheSame)
{
    support::FakeRandom random;
    EXPECT_EQ(generate_totp_secret(sha1, random).size(), 20U);
    EXPECT_EQ(generate_totp_secret(sha256, random).size(), 32U);
    EXPECT_EQ(generate_totp_secret(sha512, random).size(), 64U);
    EXPECT_NE(generate_totp_secret(sha1, random).view(), generate_totp_secret(sha1, random).view());
}

// RFC 4648 section 10, and secrets whose last symbol is not full; all without padding.
TEST(ToBase32, FollowsRfc4648)
{
    const std::pair<std::string_view, std::string_view> table[] = {
        {"", ""},
        {"f", "MY"},
        {"fo", "MZXQ"},
        {"foo", "MZXW6"},
        {"foob", "MZXW6YQ"},
        {"fooba", "MZXW6YTB"},
        {"foobar", "MZXW6YTBOI"},
        {"\xFF\xFF\xFF\xFF\xFF", "77777777"},
        {"12345678901234567890", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}};
    for (const auto& [bytes, text] : table)
        EXPECT_EQ(to_base32(Secret::copy_of(bytes)).view(), text) << bytes;
}

struct UriCase {
    std::string name;
    std::string issuer;
    std::string user;
    TotpParameters parameters;
    std::string before;  // the secret
    std::string after;
};

class KeyUri : public testing::TestWithParam<UriCase> {};

TEST_P(KeyUri, IsWhatAppsRead)
{
    const auto& row = GetParam();
    const auto secret = Secret::copy_of("12345678901234567890");
    EXPECT_EQ(key_uri(row.issuer, row.user, secret, row.parameters).view(),
              row.before + "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" + row.after);
}

INSTANTIATE_TEST_SUITE_P(
    Totp, KeyUri,
    testing::Values(
        UriCase{"DefaultsAreLeftOut",
                "SecureLogin",
                "alice",
                {},
                "otpauth://totp/SecureLogin:alice",
                "&issuer=SecureLogin"},
        UriCase{"BlanksAreNoPlus",
                "My Company",
                "alice",
                {},
                "otpauth://totp/My%20Company:alice",
                "&issuer=My%20Company"},
        UriCase{"NothingBreaksOut",
                "a:b&c=d?e/f#g%h+i",
                "alice",
                {},
                "otpauth://totp/a%3Ab%26c%3Dd%3Fe%2Ff%23g%25h%2Bi:alice",
                "&issuer=a%3Ab%26c%3Dd%3Fe%2Ff%23g%25h%2Bi"},
        UriCase{"Utf8", "Caf\xC3\xA9", "alice", {}, "otpauth://totp/Caf%C3%A9:alice", "&issuer=Caf%C3%A9"},
        UriCase{"UnreservedSignsStay",
                "A-Z_0.9~",
                "a.b_c-d",
                {},
                "otpauth://totp/A-Z_0.9~:a.b_c-d",
                "&issuer=A-Z_0.9~"},
        UriCase{"OtherAlgorithm",
                "S",
                "alice",
                {.algorithm = sha256},
                "otpauth://totp/S:alice",
                "&issuer=S&algorithm=SHA256"},
        UriCase{"OtherDigits", "S", "alice", {.digits = 8}, "otpauth://totp/S:alice", "&issuer=S&digits=8"},
        UriCase{
            "OtherPeriod", "S", "alice", {.period = 60s}, "otpauth://totp/S:alice", "&issuer=S&period=60"},
        UriCase{"AllOfThem",
                "S",
                "alice",
                {sha512, 8, 10s},
                "otpauth://totp/S:alice",
                "&issuer=S&algorithm=SHA512&digits=8&period=10"}),
    [](const auto& row) { return row.param.name; });

TEST(LifetimeLimit, KeepsTheChanceOfEverGuessingBelowTheBound)
{
    EXPECT_EQ(lifetime_limit(6, 1), 103);
    EXPECT_EQ(lifetime_limit(6, 0), 310);
    EXPECT_EQ(lifetime_limit(6, 2), 62);
    EXPECT_EQ(lifetime_limit(8, 1), 10333);
    EXPECT_EQ(lifetime_limit(8, 0), 31000);
    EXPECT_EQ(lifetime_limit(6, 200), 0);
}

// ---- what is left of it ----

/// The stack below the caller's frame, as the last calls have left it.  No call is made meanwhile.
__attribute__((noinline, no_sanitize("address"))) void copy_stack_below(std::string& into)
{
    const auto* const here = static_cast<const volatile char*>(__builtin_frame_address(0));
    auto* const out = into.data();
    const auto size = into.size();
    for (std::size_t at = 0; at < size; ++at) out[at] = here[static_cast<std::ptrdiff_t>(at - size)];
}

std::string as_hmac_key(std::string key, char pad)  // RFC 2104
{
    for (char& octet : key) octet = static_cast<char>(octet ^ pad);
    return key;
}

TEST(MatchCode, LeavesNothingOnTheStack)
{
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "a sanitizer lays out other stacks, and copies more";
#endif
    const auto seed = rfc_seed(sha1);
    std::string stack(12288, ' ');
    const auto match = match_code(seed, {.digits = 8}, "94287082", at(59), 0, kNever);
    copy_stack_below(stack);
    ASSERT_TRUE(match.matches);
    const std::string key(seed.view());
    const std::string code("94287082");
    EXPECT_EQ(stack.find(key), std::string::npos) << "the key";
    EXPECT_EQ(stack.find(as_hmac_key(key, 0x36)), std::string::npos) << "the key of the inner hash";
    EXPECT_EQ(stack.find(as_hmac_key(key, 0x5C)), std::string::npos) << "the key of the outer hash";
    EXPECT_EQ(stack.find(code), std::string::npos) << "the code";
}

}  // namespace
}  // namespace securelogin::auth
