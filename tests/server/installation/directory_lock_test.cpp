#include "server/directory_lock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "tests/server/installation/child.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin {
namespace {

using As = DirectoryLock::As;
using testing::HasSubstr;

/// Another process that holds the lock for as long as this lives.
class Holder {
  public:
    Holder(const std::filesystem::path& data, As as)
    {
        std::array<int, 2> ready{};
        std::array<int, 2> done{};
        if (::pipe(ready.data()) != 0 || ::pipe(done.data()) != 0) throw std::runtime_error("pipe");
        process_ = ::fork();
        if (process_ == 0) hold(data, as, ready[1], done[0], {ready[0], done[1]});
        ::close(ready[1]);
        ::close(done[0]);
        char octet = 0;
        held_ = ::read(ready[0], &octet, 1) == 1;
        ::close(ready[0]);
        done_ = done[1];
    }
    ~Holder()
    {
        ::close(done_);
        ::waitpid(process_, nullptr, 0);
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    [[nodiscard]] bool held() const { return held_; }
    [[nodiscard]] pid_t process() const { return process_; }

  private:
    [[noreturn]] static void hold(const std::filesystem::path& data, As as, int ready, int done,
                                  std::array<int, 2> others)
    {
        for (const int other : others) ::close(other);
        try {
            const DirectoryLock lock(data, as);
            char octet = 'r';
            if (::write(ready, &octet, 1) == 1) (void)::read(done, &octet, 1);
        } catch (const std::exception&) {
            ::_exit(1);
        }
        ::_exit(0);
    }

    pid_t process_ = -1;
    int done_ = -1;
    bool held_ = false;
};

std::string refusal(const std::filesystem::path& data, As as)
{
    try {
        const DirectoryLock lock(data, as);
        return "none";
    } catch (const DirectoryBusy& error) {
        return error.what();
    }
}

struct Pair {
    const char* name;
    As first;
    As second;
    const char* says;
};

class TwoAtOnce : public testing::TestWithParam<Pair> {};

TEST_P(TwoAtOnce, AreLetInOrNot)
{
    const support::TemporaryDirectory data;
    {
        const Holder first(data.path(), GetParam().first);
        ASSERT_TRUE(first.held());
        EXPECT_THAT(refusal(data.path(), GetParam().second), HasSubstr(GetParam().says));
    }
    EXPECT_EQ(refusal(data.path(), GetParam().second), "none") << "once the other has ended, however it did";
}

INSTANTIATE_TEST_SUITE_P(Locks, TwoAtOnce,
                         testing::Values(Pair{"DaemonAndProgram", As::daemon, As::program, "none"},
                                         Pair{"Programs", As::program, As::program, "none"},
                                         Pair{"Daemons", As::daemon, As::daemon, "none"},
                                         Pair{"OnlyAfterDaemon", As::daemon, As::only,
                                              "securelogind (process "},
                                         Pair{"OnlyAfterProgram", As::program, As::only, "another program"},
                                         Pair{"OnlyAfterOnly", As::only, As::only, "another program"},
                                         Pair{"DaemonAfterOnly", As::only, As::daemon, "being restored"},
                                         Pair{"ProgramAfterOnly", As::only, As::program, "being restored"}),
                         [](const auto& row) { return row.param.name; });

TEST(RunningDaemon, IsTheProcessThatSaysSo)
{
    const support::TemporaryDirectory data;
    EXPECT_FALSE(running_daemon(data.path())) << "there is no file yet";
    {
        const Holder program(data.path(), As::program);
        EXPECT_FALSE(running_daemon(data.path()));
        const Holder daemon(data.path(), As::daemon);
        EXPECT_EQ(running_daemon(data.path()), daemon.process());
    }
    EXPECT_FALSE(running_daemon(data.path()));
}

TEST(DirectoryLockFile, IsPrivateAndNoLink)
{
    const support::TemporaryDirectory data;
    EXPECT_EQ(refusal(data.path(), As::program), "none");
    struct stat status{};
    ASSERT_EQ(::stat((data / "lock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    std::filesystem::remove(data / "lock");
    std::filesystem::create_symlink(data / "elsewhere", data / "lock");
    EXPECT_THROW(DirectoryLock(data.path(), As::program), StartupError);
    EXPECT_FALSE(std::filesystem::exists(data / "elsewhere"));
}

}  // namespace
}  // namespace securelogin
