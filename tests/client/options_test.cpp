#include "client/options.hpp"

#include <gmock/gmock.h>

#include "fakes.hpp"

namespace securelogin::client {
namespace {

using testing::HasSubstr;
using Words = std::vector<const char*>;

const std::string kPin = "SHA256:" + std::string(42, 'A') + "A";
const std::string kPadded = kPin + "=";

std::variant<Options, std::string> parse(Words words)
{
    words.insert(words.begin(), "securelogin");
    return parse_command_line(static_cast<int>(words.size()), words.data());
}

Options options(const Words& words) { return std::get<Options>(parse(words)); }

TEST(CommandLine, WithAHostOnlyLeavesTheRestToTheUsual)
{
    const auto parsed = options({"alice@a.example:17"});
    EXPECT_EQ(parsed.destination.shown(), "alice@a.example:17");
    EXPECT_FALSE(parsed.command || parsed.password_file || parsed.code_command || parsed.ca);
    EXPECT_FALSE(parsed.trust.fingerprint || parsed.trust.by_ca || parsed.trust.accept_new);
}

TEST(CommandLine, JoinsTheWordsOfACommand)
{
    EXPECT_EQ(options({"a", "revoke", "all"}).command, "revoke all");
}

TEST(CommandLine, TakesOptionsBeforeAndAfterTheHost)
{
    const auto parsed =
        options({"--password-file", "p", "a", "--code-command", "c d", "whoami", "--ca", "f"});
    EXPECT_EQ(parsed.password_file, "p");
    EXPECT_EQ(parsed.code_command, "c d");
    EXPECT_EQ(parsed.ca, "f");
    EXPECT_TRUE(parsed.trust.by_ca);
    EXPECT_EQ(parsed.command, "whoami");
}

TEST(CommandLine, TakesACommandThatLooksLikeAnOptionBehindTwoHyphens)
{
    EXPECT_EQ(options({"a", "--", "--x"}).command, "--x");
}

TEST(CommandLine, TakesAFingerprintPaddedOrNot)
{
    EXPECT_EQ(options({"--fingerprint", kPin.c_str(), "a"}).trust.fingerprint, kPin);
    EXPECT_EQ(options({"--fingerprint", kPadded.c_str(), "a"}).trust.fingerprint, kPin);
}

TEST(CommandLine, TakesFingerprintAndCaTogether)
{
    const auto parsed = options({"--fingerprint", kPin.c_str(), "--ca", "f", "a"});
    EXPECT_TRUE(parsed.trust.fingerprint && parsed.trust.by_ca);
}

TEST(CommandLine, AcceptsNew) { EXPECT_TRUE(options({"--accept-new", "a"}).trust.accept_new); }

TEST(CommandLine, ShowsADeviceKeyUnlessToldNotTo)
{
    EXPECT_TRUE(options({"a"}).device_key);
    EXPECT_FALSE(options({"--no-device-key", "a"}).device_key);
}

TEST(CommandLine, EnrolsAtAHost)
{
    const auto parsed = options({"enrol", "--qr", "f.png", "carol@a.example:17", "--accept-new"});
    EXPECT_TRUE(parsed.enrol);
    EXPECT_EQ(parsed.qr, "f.png");
    EXPECT_EQ(parsed.destination.shown(), "carol@a.example:17");
    EXPECT_TRUE(parsed.trust.accept_new);
    EXPECT_FALSE(parsed.command);
}

TEST(CommandLine, AHostNamedEnrolIsReachedByItsPort)
{
    const auto parsed = options({"enrol:9999", "whoami"});
    EXPECT_FALSE(parsed.enrol);
    EXPECT_EQ(parsed.destination.host, "enrol");
    EXPECT_EQ(parsed.command, "whoami");
    EXPECT_FALSE(options({"alice@enrol"}).enrol);
}

TEST(CommandLine, HelpNamesEveryOptionAndExitCode)
{
    const auto help = std::get<std::string>(parse({"--help"}));
    for (const auto* const word :
         {"--fingerprint", "--ca", "--accept-new", "--password-file", "--code-command", "--no-device-key",
          "--qr", "enrol", "--version", "examples:", " 0 ", "64", "69", "75", "76", "77", "78", "known_hosts",
          "NO_COLOR"}) {
        EXPECT_THAT(help, HasSubstr(word));
    }
}

TEST(CommandLine, VersionIsOneLine)
{
    EXPECT_THAT(std::get<std::string>(parse({"--version"})), testing::MatchesRegex("securelogin [0-9.]+\n"));
}

struct Bad {
    const char* name;
    Words words;
    const char* says;
};

class BadCommandLine : public testing::TestWithParam<Bad> {};

TEST_P(BadCommandLine, IsAUsageErrorThatSaysWhy)
{
    const auto failure = failure_of([] { (void)parse(GetParam().words); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::usage);
    EXPECT_THAT(failure->second, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    CommandLine, BadCommandLine,
    testing::Values(
        Bad{"Nothing", {}, "no HOST"}, Bad{"HostEmpty", {""}, "no HOST"},
        Bad{"UnknownOption", {"--bogus", "a"}, "--bogus"}, Bad{"OptionWithoutValue", {"a", "--ca"}, "--ca"},
        Bad{"FingerprintMalformed", {"--fingerprint", "SHA256:abc", "a"}, "43 characters"},
        Bad{"FingerprintEmpty", {"--fingerprint", "", "a"}, "43 characters"},
        Bad{"FingerprintWithoutPrefix", {"--fingerprint", kPin.c_str() + 7, "a"}, "43 characters"},
        Bad{"AcceptNewWithFingerprint", {"--accept-new", "--fingerprint", kPin.c_str(), "a"}, "excludes"},
        Bad{"AcceptNewWithCa", {"--accept-new", "--ca", "f", "a"}, "excludes"},
        Bad{"PasswordFileEmpty", {"--password-file", "", "a"}, "--password-file is empty"},
        Bad{"CodeCommandEmpty", {"--code-command", "", "a"}, "--code-command is empty"},
        Bad{"CaEmpty", {"--ca", "", "a"}, "--ca is empty"},
        Bad{"PasswordOnTheCommandLine", {"--password", "secret", "a"}, "--password"},
        Bad{"EnrolNowhere", {"enrol"}, "no HOST"}, Bad{"EnrolAtAnEmptyHost", {"enrol", ""}, "no HOST"},
        Bad{"InvitationOnTheCommandLine", {"enrol", "a", "008J-4CT4"}, "no COMMAND"},
        Bad{"EnrolWithAPasswordFile",
            {"enrol", "a", "--password-file", "f"},
            "--password-file is for logins"},
        Bad{"PictureOfALogin", {"--qr", "f", "a"}, "--qr goes with enrol"},
        Bad{"PictureNowhere", {"enrol", "--qr", "", "a"}, "--qr is empty"},
        Bad{"HostMalformed", {"a b"}, "not a host"}, Bad{"CommandEmpty", {"a", ""}, "COMMAND is empty"},
        Bad{"CommandWithLineBreak", {"a", "whoami\nquit"}, "control character"},
        Bad{"CommandNotUtf8", {"a", "\xff"}, "UTF-8"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::client
