#include "server/data_directory.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "child.hpp"
#include "startup_error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin {
namespace {

using testing::HasSubstr;
using IfMissing = DataDirectory::IfMissing;

constexpr uid_t kNobody = 65534;

mode_t mode_of(const std::filesystem::path& file)
{
    struct stat status{};
    EXPECT_EQ(::lstat(file.c_str(), &status), 0) << file;
    return status.st_mode & 07777U;
}

uid_t owner_of(const std::filesystem::path& file)
{
    struct stat status{};
    EXPECT_EQ(::lstat(file.c_str(), &status), 0) << file;
    return status.st_uid;
}

// ---- choosing ----

struct ChoiceCase {
    const char* name;
    std::optional<std::filesystem::path> option, settings;
    std::map<std::string, std::string> environment;
    std::optional<std::filesystem::path> of_root, of_others;
};

class Choice : public testing::TestWithParam<ChoiceCase> {};

int matches(const ChoiceCase& row)
{
    for (const auto* const name : {"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"}) ::unsetenv(name);
    for (const auto& [name, value] : row.environment) ::setenv(name.c_str(), value.c_str(), 1);
    Settings settings;
    settings.data = row.settings;
    const auto chosen = DataDirectory::choose(row.option, settings);
    return chosen.native() == (::geteuid() == 0 ? row.of_root : row.of_others)->native() ? 0 : 1;
}

TEST_P(Choice, IsTheFirstThatIsGiven)
{
    EXPECT_EQ(Child([] { return matches(GetParam()); }).exit_code(), 0);
    if (::geteuid() == 0) {
        const auto as_nobody = [] { return ::setuid(kNobody) == 0 ? matches(GetParam()) : 2; };
        EXPECT_EQ(Child(as_nobody).exit_code(), 0);
    }
}

INSTANTIATE_TEST_SUITE_P(
    DataDirectory, Choice,
    testing::Values(
        ChoiceCase{"Option", "/a", "/b", {{"STATE_DIRECTORY", "/c"}, {"XDG_STATE_HOME", "/d"}}, "/a", "/a"},
        ChoiceCase{"Settings", {}, "/b", {{"STATE_DIRECTORY", "/c"}, {"XDG_STATE_HOME", "/d"}}, "/b", "/b"},
        ChoiceCase{"Systemd", {}, {}, {{"STATE_DIRECTORY", "/c"}, {"XDG_STATE_HOME", "/d"}}, "/c", "/c"},
        ChoiceCase{"FirstOfSystemds", {}, {}, {{"STATE_DIRECTORY", "/c:/e"}}, "/c", "/c"},
        ChoiceCase{"EmptyIsNotGiven",
                   {},
                   {},
                   {{"STATE_DIRECTORY", ""}, {"XDG_STATE_HOME", "/d"}},
                   "/var/lib/securelogin",
                   "/d/securelogin"},
        ChoiceCase{"RelativeXdgIsIgnored",
                   {},
                   {},
                   {{"XDG_STATE_HOME", "d"}, {"HOME", "/h"}},
                   "/var/lib/securelogin",
                   "/h/.local/state/securelogin"},
        ChoiceCase{"Home", {}, {}, {{"HOME", "/h"}}, "/var/lib/securelogin", "/h/.local/state/securelogin"},
        ChoiceCase{"TrailingSlash", "/a/", {}, {}, "/a", "/a"},
        ChoiceCase{"Dots", "/a/./b/../c//", {}, {}, "/a/c", "/a/c"},
        ChoiceCase{"Root", "/", {}, {}, "/", "/"},
        ChoiceCase{"Relative",
                   "here",
                   {},
                   {},
                   std::filesystem::current_path() / "here",
                   std::filesystem::current_path() / "here"}),
    [](const auto& row) { return row.param.name; });

// ---- opening ----

class Open : public testing::Test {
  protected:
    [[nodiscard]] std::filesystem::path make(mode_t mode, uid_t owner = ::geteuid())
    {
        std::filesystem::create_directory(data_);
        EXPECT_EQ(::chown(data_.c_str(), owner, owner == 0 ? 0 : kNobody), 0);
        EXPECT_EQ(::chmod(data_.c_str(), mode), 0);
        return data_;
    }
    [[nodiscard]] static std::string refusal(const std::filesystem::path& path,
                                             IfMissing if_missing = IfMissing::make)
    {
        return refusal_of([&] { return DataDirectory::open(path, if_missing); });
    }

    support::TemporaryDirectory directory_;
    const std::filesystem::path data_ = directory_ / "data";
};

TEST_F(Open, MakesWhatIsMissingAndSaysSo)
{
    const auto path = directory_ / "some" / "where" / "data";
    testing::internal::CaptureStderr();
    const auto opened = DataDirectory::open(path, IfMissing::make);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "made the data directory " + path.string() + "\n");
    EXPECT_EQ(opened.path(), path);
    EXPECT_EQ(mode_of(path), 0700U);
    EXPECT_EQ(mode_of(path.parent_path()), 0700U);
    testing::internal::CaptureStderr();
    EXPECT_EQ(DataDirectory::open(path, IfMissing::make).path(), path);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "once";
}

TEST_F(Open, NamesWhatIsInIt)
{
    const auto opened = DataDirectory::open(make(0700), IfMissing::refuse);
    EXPECT_EQ(opened.database(), data_ / "securelogin.db");
    EXPECT_EQ(opened.master_key(), data_ / "master.key");
    EXPECT_EQ(opened.certificate(), data_ / "tls" / "cert.pem");
    EXPECT_EQ(opened.private_key(), data_ / "tls" / "key.pem");
}

TEST_F(Open, MakesNothingWhenNotAskedTo)
{
    EXPECT_THAT(refusal(data_, IfMissing::refuse),
                HasSubstr(data_.string() + ": there is no such data directory"));
    EXPECT_FALSE(std::filesystem::exists(data_));
}

TEST_F(Open, RefusesWhatOthersMayEnter)
{
    for (const mode_t mode : {0701U, 0710U, 0704U, 0740U, 0702U, 0720U, 0755U, 01777U}) {
        EXPECT_THAT(refusal(make(mode)), HasSubstr("lets others in: chmod 700 " + data_.string()))
            << std::oct << mode;
        EXPECT_EQ(mode_of(data_), mode) << "mending it silently would hide that it was open";
    }
}

TEST_F(Open, RefusesASymbolicLink)
{
    std::filesystem::create_directory_symlink(make(0700), directory_ / "link");
    for (const auto* const name : {"link", "link/", "link/."}) {
        EXPECT_THAT(refusal(directory_ / name), HasSubstr("is a symbolic link: name the directory itself"))
            << name;
    }
    std::filesystem::create_directory_symlink(directory_ / "nowhere", directory_ / "dangling");
    EXPECT_THAT(refusal(directory_ / "dangling"), HasSubstr("is a symbolic link"));
}

TEST_F(Open, RefusesWhatIsNoDirectory)
{
    std::ofstream(data_) << "x";
    EXPECT_THAT(refusal(data_), HasSubstr(data_.string() + ": is not a directory"));
    EXPECT_THAT(refusal(data_ / "below"), HasSubstr("data"));
}

TEST_F(Open, ShowsHostileNamesSafelyAndQuotesThem)
{
    const auto path = directory_ / "it's a\x1b[2J name";
    std::filesystem::create_directory(path);
    ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
    EXPECT_THAT(refusal(path),
                HasSubstr("chmod 700 '" + (directory_ / "it'\\''s a\\x1b[2J name").string() + "'"));
}

// ---- owners: each case in a child, since there is no way back ----

class OpenAsRoot : public Open {
  protected:
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
    }
};

bool is_only_nobody()
{
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;
    return ::getresuid(&real, &effective, &saved) == 0 && real == kNobody && effective == kNobody &&
           saved == kNobody && ::getgid() == kNobody && ::getegid() == kNobody &&
           ::getgroups(0, nullptr) == 0 && ::setuid(0) != 0;
}

TEST_F(OpenAsRoot, TheProcessBecomesTheOwnerForGood)
{
    const auto path = make(0700, kNobody);
    Child child([&] {
        const auto opened = DataDirectory::open(path, IfMissing::refuse);
        [[maybe_unused]] const auto key = opened.load_master_key(IfMissing::make);
        write_durably(opened.path() / "file", "x", 0600);
        return is_only_nobody() ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
    EXPECT_EQ(owner_of(path / "master.key"), kNobody);
    EXPECT_EQ(owner_of(path / "file"), kNobody);
}

TEST_F(OpenAsRoot, RootsGroupIsLeftEvenIfTheDirectoryHasIt)
{
    const auto path = make(0700, kNobody);
    ASSERT_EQ(::chown(path.c_str(), kNobody, 0), 0);
    Child child([&] {
        [[maybe_unused]] const auto opened = DataDirectory::open(path, IfMissing::refuse);
        return is_only_nobody() ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(OpenAsRoot, RootStaysRootInItsOwnDirectory)
{
    Child child([path = make(0700, 0)] {
        [[maybe_unused]] const auto opened = DataDirectory::open(path, IfMissing::refuse);
        return ::geteuid() == 0 ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(OpenAsRoot, ADirectoryThatItsOwnerCannotReachIsRefused)
{
    const auto path = make(0700, kNobody);
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0);
    Child child([&] { return refusal(path).find("its owner cannot enter it") != std::string::npos ? 0 : 1; });
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(OpenAsRoot, ANewDirectoryIsGivenToTheUserOfTheSettings)
{
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
    const auto path = directory_ / "new";
    Child child([&] {
        [[maybe_unused]] const auto opened = DataDirectory::open(path, IfMissing::make, "nobody");
        return ::geteuid() == kNobody && ::setuid(0) != 0 ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
    EXPECT_EQ(owner_of(path), kNobody);
}

struct UserCase {
    const char* name;
    uid_t owner;
    const char* user;
    const char* message;  // a part of it
};

class OpenForUser : public OpenAsRoot, public testing::WithParamInterface<UserCase> {};

TEST_P(OpenForUser, TheDirectoryHasToBeTheUsers)
{
    const auto path = make(0700, GetParam().owner);
    Child child([&] {
        const auto message =
            refusal_of([&] { return DataDirectory::open(path, IfMissing::refuse, GetParam().user); });
        return message.find(GetParam().message) != std::string::npos && ::geteuid() == 0 ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Users, OpenForUser,
    testing::Values(UserCase{"RootIsRoot", 0, "root", "(accepted)"},
                    UserCase{"RootsDirectory", 0, "nobody", "process.user is \"nobody\": chown -R nobody: "},
                    UserCase{"AnothersDirectory", 12345, "nobody", "belongs to uid 12345"},
                    UserCase{"NobodysForRoot", kNobody, "root", "belongs to nobody"},
                    UserCase{"NoSuchUser", 0, "no-such-user", "there is no such user"}),
    [](const auto& row) { return row.param.name; });

struct OtherCase {
    const char* name;
    uid_t owner;
    mode_t mode;
    const char* message;
};

class OpenAsOther : public OpenAsRoot, public testing::WithParamInterface<OtherCase> {};

TEST_P(OpenAsOther, IsRefused)
{
    const auto path = make(GetParam().mode, GetParam().owner);
    Child child([&] {
        if (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0) return 2;
        return refusal(path).find(GetParam().message) != std::string::npos ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Owners, OpenAsOther,
    testing::Values(OtherCase{"OfRoot", 0, 0700, "belongs to root: run this as that user, or as root"},
                    OtherCase{"OfRootAndOpen", 0, 0755, "belongs to root"},
                    OtherCase{"OfAStranger", 54321, 0700, "belongs to uid 54321"},
                    OtherCase{"OursButNotWritable", kNobody, 0500, "its owner cannot enter it"},
                    OtherCase{"OursButShut", kNobody, 0000, "Permission denied"}),
    [](const auto& row) { return row.param.name; });

TEST_F(OpenAsRoot, ADirectoryThatCannotBeMadeIsNamed)
{
    Child child([&] {
        if (::setuid(kNobody) != 0) return 2;
        return refusal(directory_ / "new").find("new: making the directory: Permission denied") !=
                       std::string::npos
                   ? 0
                   : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

// ---- secrets' files ----

class RequirePrivate : public testing::Test {
  protected:
    std::filesystem::path write(mode_t mode)
    {
        const auto file = directory_ / "key.pem";
        std::ofstream(file) << "x";
        EXPECT_EQ(::chmod(file.c_str(), mode), 0);
        return file;
    }
    static std::string refusal(const std::filesystem::path& file)
    {
        return refusal_of([&] { require_private(file); });
    }
    support::TemporaryDirectory directory_;
};

TEST_F(RequirePrivate, TakesWhatOnlyItsOwnerReads)
{
    for (const mode_t mode : {0600U, 0400U, 0700U}) EXPECT_EQ(refusal(write(mode)), "(accepted)");
}

TEST_F(RequirePrivate, FollowsALinkToTheFileThatCounts)
{
    std::filesystem::create_symlink(write(0600), directory_ / "link");
    EXPECT_EQ(refusal(directory_ / "link"), "(accepted)");
    write(0644);
    EXPECT_THAT(refusal(directory_ / "link"), HasSubstr("mode 0644 lets others read it"));
}

TEST_F(RequirePrivate, RefusesEveryBitForOthers)
{
    for (const mode_t bit : {0040U, 0020U, 0010U, 0004U, 0002U, 0001U}) {
        const auto file = write(0600U | bit);
        EXPECT_THAT(refusal(file), HasSubstr("lets others read it: chmod 600 " + file.string()))
            << std::oct << bit;
    }
}

TEST_F(RequirePrivate, RefusesWhatIsNoFile)
{
    EXPECT_THAT(refusal(directory_ / "none"), HasSubstr("none: reading it: No such file or directory"));
    EXPECT_THAT(refusal(directory_.path()), HasSubstr("is not a regular file"));
    ASSERT_EQ(::mkfifo((directory_ / "fifo").c_str(), 0600), 0);
    EXPECT_THAT(refusal(directory_ / "fifo"), HasSubstr("is not a regular file"))
        << "and waits for no writer";
}

TEST_F(RequirePrivate, RefusesAStrangersFile)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const auto file = write(0600);
    ASSERT_EQ(::chown(file.c_str(), kNobody, kNobody), 0);
    EXPECT_THAT(refusal(file), HasSubstr("could read and change it: chown root " + file.string()));
}

}  // namespace
}  // namespace securelogin
