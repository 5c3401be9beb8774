// securelogind's command line, and what of it stands above the settings file.
#include "server/daemon_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.hpp"

namespace securelogin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ParsedOptions parse(std::vector<const char*> words)
{
    words.insert(words.begin(), "securelogind");
    return parse_daemon_options(static_cast<int>(words.size()), words.data());
}

TEST(DaemonOptions, ListenWebIsRepeatedWithOneAddressEach)
{
    const auto parsed = parse({"--listen-web", "127.0.0.1:8443", "--listen-web=[::1]:8443"});
    ASSERT_FALSE(parsed.exit_code);
    EXPECT_THAT(parsed.options.listen_web, ElementsAre("127.0.0.1:8443", "[::1]:8443"));
    EXPECT_THAT(parsed.options.listen, IsEmpty());
    EXPECT_THAT(parsed.options.listen_plain, IsEmpty());
}

TEST(DaemonOptions, WithoutItNoBrowserIsServed)
{
    EXPECT_THAT(parse({}).options.listen_web, IsEmpty());
    EXPECT_THAT(settings_for(parse({}).options).listen.web, IsEmpty());
}

struct Mistake {
    std::string name;
    std::vector<const char*> words;
};
class UsageMistake : public testing::TestWithParam<Mistake> {};

TEST_P(UsageMistake, IsToldByTheExitCode) { EXPECT_EQ(parse(GetParam().words).exit_code, 64); }

INSTANTIATE_TEST_SUITE_P(DaemonOptions, UsageMistake,
                         testing::Values(Mistake{"NoAddress", {"--listen-web"}},
                                         Mistake{"OptionForAnAddress", {"--listen-web", "--check"}},
                                         Mistake{"OptionForADirectory", {"--data", "--check"}},
                                         Mistake{"OptionForAFormat", {"--log-format", "--check"}},
                                         Mistake{"Misspelt", {"--listen-webs", "127.0.0.1:1"}}),
                         [](const auto& row) { return row.param.name; });

class OptionsAndSettings : public testing::Test {
  protected:
    Settings settings_with(std::vector<const char*> words)
    {
        std::ofstream(file_) << "[listen]\ntls = [\"127.0.0.1:1\"]\nweb = [\"127.0.0.1:2\"]\n"
                                "web_plain = [\"127.0.0.1:3\"]\n";
        words.insert(words.end(), {"--config", file_.c_str()});
        return settings_for(parse(std::move(words)).options);
    }

    support::TemporaryDirectory directory_;
    const std::string file_ = directory_ / "securelogind.toml";
};

TEST_F(OptionsAndSettings, ListenWebStandsInThePlaceOfItsSettingAndNoOther)
{
    const auto settings = settings_with({"--listen-web", "127.0.0.1:0"});
    EXPECT_THAT(settings.listen.web, ElementsAre("127.0.0.1:0"));
    EXPECT_THAT(settings.listen.web_plain, ElementsAre("127.0.0.1:3"));
    EXPECT_THAT(settings.listen.tls, ElementsAre("127.0.0.1:1"));
}

TEST_F(OptionsAndSettings, OtherListenersLeaveBrowsersTheirs)
{
    const auto settings = settings_with({"--listen", "127.0.0.1:9"});
    EXPECT_THAT(settings.listen.tls, ElementsAre("127.0.0.1:9"));
    EXPECT_THAT(settings.listen.web, ElementsAre("127.0.0.1:2"));
}

}  // namespace
}  // namespace securelogin
