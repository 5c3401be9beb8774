#include "server/durable_file.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "child.hpp"
#include "server/data_directory.hpp"
#include "startup_error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin {
namespace {

using testing::HasSubstr;

class DurableFile : public testing::Test {
  protected:
    [[nodiscard]] std::string read() const
    {
        std::ifstream stream(file_, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    [[nodiscard]] std::size_t files() const
    {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(directory_.path()), {}));
    }
    [[nodiscard]] mode_t mode() const
    {
        struct stat status{};
        EXPECT_EQ(::lstat(file_.c_str(), &status), 0);
        return status.st_mode;
    }

    support::TemporaryDirectory directory_;
    const std::filesystem::path file_ = directory_ / "file.pem";
};

TEST_F(DurableFile, IsWrittenWithItsMode)
{
    for (const mode_t mode_wanted : {0600U, 0644U, 0400U}) {
        write_durably(file_, "content " + std::to_string(mode_wanted), mode_wanted);
        EXPECT_EQ(read(), "content " + std::to_string(mode_wanted));
        EXPECT_EQ(mode() & 07777U, mode_wanted);
        EXPECT_EQ(files(), 1U);
    }
}

TEST_F(DurableFile, TheUmaskHasNoSay)
{
    Child child([&] {
        ::umask(0777);
        write_durably(file_, "x", 0644);
        return 0;
    });
    EXPECT_EQ(child.exit_code(), 0);
    EXPECT_EQ(mode() & 07777U, 0644U);
}

TEST_F(DurableFile, MayBeEmptyOrLarge)
{
    for (const std::size_t size : {0UL, 1UL, 1000000UL}) {
        const std::string content(size, 'x');
        write_durably(file_, content, 0600);
        EXPECT_EQ(read(), content);
    }
}

TEST_F(DurableFile, ReplacesALinkAndNotWhatItPointsTo)
{
    std::ofstream(directory_ / "target") << "untouched";
    std::filesystem::create_symlink(directory_ / "target", file_);
    write_durably(file_, "new", 0600);
    EXPECT_TRUE(S_ISREG(mode()));
    EXPECT_EQ(read(), "new");
    std::ifstream target(directory_ / "target");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(target), {}), "untouched");
}

TEST_F(DurableFile, WhoHasTheOldOneOpenStillReadsIt)
{
    write_durably(file_, "old", 0600);
    std::ifstream old(file_);
    write_durably(file_, "new", 0600);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(old), {}), "old");
    EXPECT_EQ(read(), "new");
}

TEST_F(DurableFile, WithoutADirectoryItIsRefused)
{
    const auto file = directory_ / "none" / "file.pem";
    const auto message = refusal_of([&] { write_durably(file, "x", 0600); });
    EXPECT_EQ(message, (directory_ / "none").string() + ": opening the directory: No such file or directory");
}

TEST_F(DurableFile, ADirectoryInItsPlaceIsRefusedAndNothingIsLeft)
{
    std::filesystem::create_directory(file_);
    EXPECT_THAT(refusal_of([&] { write_durably(file_, "x", 0600); }),
                HasSubstr("file.pem: writing it: Is a directory"));
    EXPECT_EQ(files(), 1U);
}

TEST_F(DurableFile, WhenTheDiskIsFullTheOldOneStays)
{
    // /dev/full has no directory; a limit on the size of files fails a write in the same way.
    write_durably(file_, "old", 0600);
    Child child([&] {
        const rlimit none{.rlim_cur = 4096, .rlim_max = 4096};
        std::signal(SIGXFSZ, SIG_IGN);
        if (::setrlimit(RLIMIT_FSIZE, &none) != 0) return 2;
        const auto message = refusal_of([&] { write_durably(file_, std::string(100000, 'x'), 0600); });
        return message == file_.string() + ": writing it: File too large" ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
    EXPECT_EQ(read(), "old");
    EXPECT_EQ(files(), 1U) << "the half-written one is gone";
}

TEST_F(DurableFile, OfSeveralWhoTakeAFreeNameOneGetsIt)
{
    const auto directory = open_directory(directory_.path());
    ASSERT_TRUE(directory.is_open());
    StagedFile first(directory, file_, "first", 0600);
    StagedFile second(directory, file_, "second", 0600);
    EXPECT_EQ(files(), 2U);
    EXPECT_FALSE(std::filesystem::exists(file_));
    EXPECT_TRUE(second.publish_if_free());
    EXPECT_FALSE(first.publish_if_free());
    EXPECT_EQ(read(), "second");
    EXPECT_EQ(files(), 1U);
}

TEST_F(DurableFile, LeavesNothingWhenItIsNotPublished)
{
    const auto directory = open_directory(directory_.path());
    {
        const StagedFile staged(directory, file_, "x", 0600);
    }
    EXPECT_EQ(files(), 0U);
}

TEST_F(DurableFile, NamesLeftByACrashedProgramAreNotInTheWay)
{
    // A process with our id has used the first of its numbers.
    for (int number = 0; number < 50; ++number) {
        std::ofstream(directory_ /
                      (".file.pem." + std::to_string(::getpid()) + "." + std::to_string(number)));
    }
    write_durably(file_, "x", 0600);
    EXPECT_EQ(read(), "x");
}

}  // namespace
}  // namespace securelogin
