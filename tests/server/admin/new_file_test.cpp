#include "server/admin/new_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "server/admin/failure.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin::admin {
namespace {

namespace fs = std::filesystem;

class NewFileTest : public testing::Test {
  protected:
    [[nodiscard]] fs::path path() const { return directory_ / "alice.png"; }
    [[nodiscard]] std::string content() const
    {
        if (!fs::is_regular_file(path())) return {};
        std::ifstream file(path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    [[nodiscard]] auto entries_there() const
    {
        return std::distance(fs::directory_iterator(directory_.path()), {});
    }

    support::TemporaryDirectory directory_;
};

TEST_F(NewFileTest, KeptHasItsContentAndIsForItsOwnerOnly)
{
    {
        NewFile file(path());
        file.write("picture");
        file.keep();
    }
    EXPECT_EQ(content(), "picture");
    struct stat found{};
    ASSERT_EQ(stat(path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0600U);
}

TEST_F(NewFileTest, IsGoneWhenNotKept)
{
    {
        NewFile file(path());
        file.write("picture");
        EXPECT_TRUE(fs::exists(path()));
    }
    EXPECT_FALSE(fs::exists(path()));
}

TEST_F(NewFileTest, IsGoneWhenTheProgramIsKilled)
{
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    const pid_t program = fork();
    if (program == 0) {
        NewFile file(path());
        file.write("picture");
        (void)!write(ends[1], "r", 1);
        pause();
        _exit(0);
    }
    close(ends[1]);
    char octet = 0;
    ASSERT_EQ(read(ends[0], &octet, 1), 1);
    ASSERT_EQ(kill(program, SIGKILL), 0);
    ASSERT_EQ(waitpid(program, nullptr, 0), program);
    // The remover holds our pipe until it has done its work: its end is the moment to look.
    EXPECT_EQ(read(ends[0], &octet, 1), 0);
    close(ends[0]);
    EXPECT_FALSE(fs::exists(path()));
}

TEST_F(NewFileTest, LeavesAloneWhatWasPutInItsPlace)
{
    {
        NewFile file(path());
        fs::remove(path());
        std::ofstream(path()) << "another's";
    }
    EXPECT_EQ(content(), "another's");
}

struct RefusalCase {
    const char* name;
    void (*arrange)(const fs::path& path);  // what is at `path` before
};

class NewFileRefuses : public NewFileTest, public testing::WithParamInterface<RefusalCase> {};

TEST_P(NewFileRefuses, AndTouchesNothing)
{
    GetParam().arrange(path());
    const auto before = content();
    const auto entries = entries_there();
    try {
        const NewFile file(path());
        FAIL() << "was made";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.exit_code(), ExitCode::cannot_create);
        EXPECT_NE(std::string(failure.what()).find(path().string()), std::string::npos) << failure.what();
    }
    EXPECT_EQ(content(), before);
    EXPECT_EQ(entries_there(), entries);
}

INSTANTIATE_TEST_SUITE_P(
    There, NewFileRefuses,
    testing::Values(RefusalCase{"File", [](const fs::path& path) { std::ofstream(path) << "old"; }},
                    RefusalCase{"EmptyFile", [](const fs::path& path) { std::ofstream{path}; }},
                    RefusalCase{"Directory", [](const fs::path& path) { fs::create_directory(path); }},
                    RefusalCase{"SymlinkToAFile",
                                [](const fs::path& path) {
                                    std::ofstream(path.parent_path() / "target") << "old";
                                    fs::create_symlink("target", path);
                                }},
                    RefusalCase{"SymlinkToNothing",
                                [](const fs::path& path) { fs::create_symlink("nothing", path); }}),
    [](const auto& row) { return row.param.name; });

TEST_F(NewFileTest, SaysWhyWhereThereIsNoSuchDirectory)
{
    try {
        const NewFile file(directory_ / "missing/alice.png");
        FAIL() << "was made";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.exit_code(), ExitCode::cannot_create);
        EXPECT_NE(std::string(failure.what()).find("No such file or directory"), std::string::npos);
    }
}

TEST_F(NewFileTest, WhatCannotBeWrittenIsAFailure)
{
    NewFile file(path());
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit tiny{16, before.rlim_max};
    std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    EXPECT_THROW(file.write(std::string(1000, 'x')), Failure);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
}

}  // namespace
}  // namespace securelogin::admin
