#include "client/known_hosts.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "fakes.hpp"
#include "temporary_directory.hpp"

namespace securelogin::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kOne = "SHA256:" + std::string(42, 'A') + "A";
const std::string kOther = "SHA256:" + std::string(42, 'B') + "A";

struct Good {
    const char* name;
    std::string text;
    std::vector<KnownHost> entries;
};

class GoodKnownHosts : public testing::TestWithParam<Good> {};

TEST_P(GoodKnownHosts, AreRead) { EXPECT_EQ(parse_known_hosts(GetParam().text, "f"), GetParam().entries); }

INSTANTIATE_TEST_SUITE_P(
    KnownHosts, GoodKnownHosts,
    testing::Values(Good{"Empty", "", {}}, Good{"OneLine", "a:1 " + kOne + "\n", {{"a:1", kOne, 1}}},
                    Good{"WithoutLastNewline", "a:1 " + kOne, {{"a:1", kOne, 1}}},
                    Good{"BlankLinesAndComments",
                         "\n# a comment\n  # another\n \t\na:1 " + kOne + "\n",
                         {{"a:1", kOne, 5}}},
                    Good{"TwoKeysOfOneServer",
                         "a:1 " + kOne + "\na:1 " + kOther + "\n",
                         {{"a:1", kOne, 1}, {"a:1", kOther, 2}}},
                    Good{"UpperCaseHost", "A.Example:1 " + kOne, {{"a.example:1", kOne, 1}}},
                    Good{"Ipv6", "[0:0::1]:9999 " + kOne, {{"[::1]:9999", kOne, 1}}},
                    Good{"PaddedFingerprint", "a:1 " + kOne + "=", {{"a:1", kOne, 1}}},
                    Good{"TabsCarriageReturnAndTail", " a:1\t" + kOne + " \r\n", {{"a:1", kOne, 1}}}),
    [](const auto& row) { return row.param.name; });

struct Bad {
    const char* name;
    std::string text;
    const char* line;
};

class BadKnownHosts : public testing::TestWithParam<Bad> {};

TEST_P(BadKnownHosts, NameTheFileAndTheLine)
{
    const auto failure = failure_of([] { (void)parse_known_hosts(GetParam().text, "/x/known_hosts"); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::not_trusted);
    EXPECT_THAT(failure->second, HasSubstr("/x/known_hosts"));
    EXPECT_THAT(failure->second, HasSubstr(std::string("line ") + GetParam().line + " "));
}

INSTANTIATE_TEST_SUITE_P(
    KnownHosts, BadKnownHosts,
    testing::Values(Bad{"OneWord", "a:1\n", "1"}, Bad{"ThreeWords", "a:1 " + kOne + " x\n", "1"},
                    Bad{"SecondLine", "a:1 " + kOne + "\nnonsense\n", "2"}, Bad{"NoPort", "a " + kOne, "1"},
                    Bad{"PortZero", "a:0 " + kOne, "1"}, Bad{"PortWithZeros", "a:01 " + kOne, "1"},
                    Bad{"BareIpv6", "::1 " + kOne, "1"}, Bad{"WithUser", "u@a:1 " + kOne, "1"},
                    Bad{"OtherHash", "a:1 SHA1:" + std::string(43, 'A'), "1"},
                    Bad{"ShortFingerprint", "a:1 " + kOne.substr(0, kOne.size() - 1), "1"},
                    Bad{"LongFingerprint", "a:1 " + kOne + "A", "1"}, Bad{"SwappedWords", kOne + " a:1", "1"},
                    Bad{"HashOfAnSshClient", "|1|abc= ssh-ed25519 AAAA", "1"},
                    Bad{"Nul", std::string("a:1\0 ", 5) + kOne, "1"},
                    Bad{"Binary",
                        "\x7f"
                        "ELF\x02\x01",
                        "1"}),
    [](const auto& row) { return row.param.name; });

class KnownHostsFile : public testing::Test {
  protected:
    TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "config" / "securelogin" / "known_hosts";
    KnownHosts known_hosts_{file_};
};

TEST_F(KnownHostsFile, MissingKnowsNobodyAndIsNotMade)
{
    EXPECT_THAT(known_hosts_.find("a:1"), IsEmpty());
    EXPECT_FALSE(std::filesystem::exists(file_.parent_path()));
}

TEST_F(KnownHostsFile, IsMadeForItsOwnerOnly)
{
    known_hosts_.add("a:1", kOne);
    EXPECT_EQ(contents(file_), "a:1 " + kOne + "\n");
    EXPECT_EQ(mode_of(file_), 0600U);
    EXPECT_EQ(mode_of(file_.parent_path()), 0700U);
}

TEST_F(KnownHostsFile, KeepsWhatStoodThere)
{
    write_file(file_, "# mine\nb:2 " + kOther);
    known_hosts_.add("a:1", kOne);
    EXPECT_EQ(contents(file_), "# mine\nb:2 " + kOther + "\na:1 " + kOne + "\n");
}

TEST_F(KnownHostsFile, FindsOnlyTheServerThatIsAskedFor)
{
    write_file(file_, "a:1 " + kOne + "\na:2 " + kOther + "\n");
    EXPECT_THAT(known_hosts_.find("a:2"), ElementsAre(KnownHost{"a:2", kOther, 2}));
    EXPECT_THAT(known_hosts_.find("b:1"), IsEmpty());
}

TEST_F(KnownHostsFile, LeavesNothingElseBehind)
{
    known_hosts_.add("a:1", kOne);
    known_hosts_.add("b:1", kOther);
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(file_.parent_path())) {
        names.push_back(entry.path().filename());
    }
    EXPECT_THAT(names, ElementsAre("known_hosts"));
}

TEST_F(KnownHostsFile, KeptElsewhereByALinkStaysThere)
{
    const auto elsewhere = directory_.path() / "dotfiles" / "known";
    write_file(elsewhere, "");
    std::filesystem::create_directories(file_.parent_path());
    std::filesystem::create_symlink(elsewhere, file_);
    known_hosts_.add("a:1", kOne);
    EXPECT_TRUE(std::filesystem::is_symlink(file_));
    EXPECT_EQ(contents(elsewhere), "a:1 " + kOne + "\n");
}

TEST_F(KnownHostsFile, LosesNothingToAnotherWriter)
{
    constexpr int each = 20;
    const auto add_some = [this](char writer) {
        for (int i = 0; i < each; ++i)
            known_hosts_.add(std::string(1, writer) + std::to_string(i) + ":1", kOne);
    };
    std::thread other(add_some, 'x');
    add_some('y');
    other.join();
    EXPECT_EQ(parse_known_hosts(contents(file_), file_).size(), 2U * each);
}

struct Unsafe {
    const char* name;
    unsigned mode;
};

class UnsafeKnownHosts : public KnownHostsFile, public testing::WithParamInterface<Unsafe> {};

TEST_P(UnsafeKnownHosts, IsRefused)
{
    write_file(file_, "a:1 " + kOne + "\n", GetParam().mode);
    const auto failure = failure_of([&] { (void)known_hosts_.find("a:1"); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::not_trusted);
    EXPECT_THAT(failure->second, HasSubstr("chmod 600"));
}

INSTANTIATE_TEST_SUITE_P(KnownHosts, UnsafeKnownHosts,
                         testing::Values(Unsafe{"GroupMayWrite", 0660}, Unsafe{"OthersMayWrite", 0602}),
                         [](const auto& row) { return row.param.name; });

TEST_F(KnownHostsFile, NoFileButADirectoryIsRefused)
{
    std::filesystem::create_directories(file_);
    const auto failure = failure_of([&] { (void)known_hosts_.find("a:1"); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->first, ExitCode::not_trusted);
}

TEST_F(KnownHostsFile, TooLargeIsRefused)
{
    write_file(file_, std::string((1U << 20U) + 1, '\n'));
    const auto failure = failure_of([&] { (void)known_hosts_.find("a:1"); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_THAT(failure->second, HasSubstr("larger than 1 MiB"));
}

TEST_F(KnownHostsFile, CannotBeMadeWhereAFileStandsInTheWay)
{
    std::filesystem::create_directories(file_.parent_path().parent_path());
    write_file(file_.parent_path(), "a file where the directory should be");
    const auto failure = failure_of([&] { known_hosts_.add("a:1", kOne); });
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(contents(file_.parent_path()), "a file where the directory should be");
}

}  // namespace
}  // namespace securelogin::client
