// What a confined process can no longer do, and what it still has to.  Each in a process of its own: there is
// no way back.
#include "server/confinement.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <thread>

#include "server/data_directory.hpp"
#include "server/durable_file.hpp"
#include "server/startup_error.hpp"
#include "tests/server/installation/child.hpp"
#include "tests/server/store/test_store.hpp"
#include "tests/support/recorded_log.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin {
namespace {

using testing::Contains;
using testing::Not;

constexpr int kRefused = 0, kDone = 1, kOddly = 2, kNotConfined = 77;

/// A directory with what a daemon has around it.
class Confined : public testing::Test {
  protected:
    Confined()
    {
        for (const auto* name : {"data", "settings", "sockets", "elsewhere"}) {
            std::filesystem::create_directory(place_ / name);
            std::ofstream(place_ / name / "file") << "content";
        }
    }

    [[nodiscard]] Reach reach() const
    {
        Settings settings;
        settings.listen.plain = {"unix:" + (place_ / "sockets" / "login").string()};
        return reach_of(settings, place_ / "data", place_ / "settings" / "file");
    }

    /// What `body` returns in a process that is confined as the daemon is.
    template <typename Body>
    [[nodiscard]] int confined(Body body) const
    {
        Child child([&] {
            support::RecordedLog log;
            Confinement confinement(Confine::automatic, reach());
            confinement.complete(log);
            return log.lines().front().find("confined") == 0 ? body() : kNotConfined;
        });
        return child.exit_code();
    }

    support::TemporaryDirectory place_;
};

// ---- refused ----

/// Its name, and a call that returns -1 when it is refused.
struct RefusedCase {
    const char* name;
    long (*call)(const support::TemporaryDirectory& place);
};

class Refused : public Confined, public testing::WithParamInterface<RefusedCase> {};

TEST_P(Refused, AfterwardsOnly)
{
    const auto result = confined([this] {
        errno = 0;
        if (GetParam().call(place_) != -1) return kDone;
        const bool expected =
            errno == EACCES || errno == EPERM || errno == ENOSYS || errno == EXDEV;  // the last by Landlock
        return expected ? kRefused : kOddly;
    });
    if (result == kNotConfined) GTEST_SKIP() << "this kernel confines nobody";
    EXPECT_EQ(result, kRefused);
}

long open_in(const support::TemporaryDirectory& place, const char* name, int flags)
{
    return ::open((place / name).c_str(), flags, 0600);
}

INSTANTIATE_TEST_SUITE_P(
    Files, Refused,
    testing::Values(
        RefusedCase{"Passwd", [](const auto&) -> long { return ::open("/etc/passwd", O_RDONLY); }},
        RefusedCase{"Program", [](const auto&) -> long { return ::open("/bin/sh", O_RDONLY); }},
        RefusedCase{"OthersMemory", [](const auto&) -> long { return ::open("/proc/1/mem", O_RDONLY); }},
        RefusedCase{"Sysctl",
                    [](const auto&) -> long { return ::open("/proc/sys/kernel/core_pattern", O_WRONLY); }},
        RefusedCase{"Elsewhere", [](const auto& p) { return open_in(p, "elsewhere/file", O_RDONLY); }},
        RefusedCase{"NewElsewhere",
                    [](const auto& p) { return open_in(p, "elsewhere/new", O_WRONLY | O_CREAT); }},
        RefusedCase{"WriteSettings", [](const auto& p) { return open_in(p, "settings/file", O_WRONLY); }},
        RefusedCase{"NewSettings",
                    [](const auto& p) { return open_in(p, "settings/new", O_WRONLY | O_CREAT); }},
        RefusedCase{"RemoveSettings",
                    [](const auto& p) -> long { return ::unlink((p / "settings" / "file").c_str()); }},
        RefusedCase{"ReadBesideSockets", [](const auto& p) { return open_in(p, "sockets/file", O_RDONLY); }},
        RefusedCase{"ListDirectory",
                    [](const auto& p) { return open_in(p, "elsewhere", O_RDONLY | O_DIRECTORY); }},
        RefusedCase{"MoveAway",
                    [](const auto& p) -> long {
                        return ::rename((p / "data" / "file").c_str(), (p / "elsewhere" / "x").c_str());
                    }},
        RefusedCase{"LinkIn",
                    [](const auto& p) -> long {
                        return ::link((p / "elsewhere" / "file").c_str(), (p / "data" / "x").c_str());
                    }},
        RefusedCase{"SymbolicLink",
                    [](const auto& p) -> long { return ::symlink("/etc", (p / "data" / "x").c_str()); }},
        RefusedCase{"Mode",
                    [](const auto& p) -> long { return ::chmod((p / "elsewhere" / "file").c_str(), 0777); }},
        RefusedCase{"Owner",
                    [](const auto& p) -> long { return ::chown((p / "elsewhere" / "file").c_str(), 1, 1); }},
        RefusedCase{"Truncate",
                    [](const auto& p) -> long { return ::truncate((p / "elsewhere" / "file").c_str(), 0); }},
        RefusedCase{"Device",
                    [](const auto& p) -> long {
                        return ::mknod((p / "data" / "x").c_str(), S_IFCHR | 0600, 0x103);
                    }}),
    [](const auto& row) { return row.param.name; });

long execute(const char* file)
{
    std::array<char, 5> name{"true"};
    const std::array<char*, 2> arguments{name.data(), nullptr};
    return ::execv(file, arguments.data());
}

/// 0 when connected or on its way: nobody has to answer.
long connect_to_loopback()
{
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(9);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int result = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return result == 0 || errno == EINPROGRESS || errno == ECONNREFUSED ? 0 : -1;
}

long map(int protection)
{
    void* const memory = ::mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? -1 : 0;
}

constexpr bool kSanitized = !std::string_view(SECURELOGIN_SANITIZE).empty();

INSTANTIATE_TEST_SUITE_P(
    Calls, Refused,
    testing::Values(
        RefusedCase{"Execute", [](const auto&) { return execute("/bin/true"); }},
        RefusedCase{"PacketSocket",
                    [](const auto&) -> long { return ::socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)); }},
        RefusedCase{"NetlinkSocket", [](const auto&) -> long { return ::socket(AF_NETLINK, SOCK_RAW, 0); }},
        RefusedCase{"InternetSocket", [](const auto&) -> long { return ::socket(AF_INET, SOCK_STREAM, 0); }},
        RefusedCase{"InternetSocketV6",
                    [](const auto&) -> long { return ::socket(AF_INET6, SOCK_DGRAM, 0); }},
        RefusedCase{"Connect", [](const auto&) { return connect_to_loopback(); }},
        RefusedCase{"Signal", [](const auto&) -> long { return ::kill(::getppid(), 0); }},
        RefusedCase{"BecomeSomebody", [](const auto&) -> long { return ::setuid(::getuid()); }},
        RefusedCase{"Mount",
                    [](const auto&) -> long { return ::mount("none", "/mnt", "tmpfs", 0, nullptr); }},
        RefusedCase{"ChangeRoot", [](const auto&) -> long { return ::chroot("/"); }},
        RefusedCase{"SetTheClock",
                    [](const auto&) -> long {
                        timespec now{};
                        ::clock_gettime(CLOCK_REALTIME, &now);
                        return ::clock_settime(CLOCK_REALTIME, &now);
                    }}),
    [](const auto& row) { return row.param.name; });

/// With a sanitizer's runtime in the process these stay open (system_calls.cpp).
class RefusedUnlessSanitized : public Refused {};

TEST_P(RefusedUnlessSanitized, AfterwardsOnly)
{
    if (kSanitized) GTEST_SKIP() << "a sanitizer needs it";
    const auto result = confined([this] { return GetParam().call(place_) == -1 ? kRefused : kDone; });
    if (result == kNotConfined) GTEST_SKIP() << "this kernel confines nobody";
    EXPECT_EQ(result, kRefused);
}

INSTANTIATE_TEST_SUITE_P(
    Calls, RefusedUnlessSanitized,
    testing::Values(
        RefusedCase{"Fork",
                    [](const auto&) -> long {
                        const auto child = ::fork();
                        if (child == 0) ::_exit(0);
                        return child;
                    }},
        RefusedCase{"StreamSocket", [](const auto&) -> long { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
        RefusedCase{"Trace", [](const auto&) -> long { return ::ptrace(PTRACE_TRACEME, 0, nullptr, 0); }},
        RefusedCase{"ExecutableMemory", [](const auto&) { return map(PROT_READ | PROT_EXEC); }},
        RefusedCase{"RaiseLimit",
                    [](const auto&) -> long {
                        const rlimit limit{.rlim_cur = 0, .rlim_max = 0};
                        return ::setrlimit(RLIMIT_CORE, &limit);
                    }}),
    [](const auto& row) { return row.param.name; });

/// What is tested above would be possible otherwise: a test that cannot fail is worse than none.
TEST_F(Confined, WithoutConfinementTheSameIsPossible)
{
    Child child([this] {
        const bool all = open_in(place_, "elsewhere/file", O_RDONLY) >= 0 &&
                         ::open("/etc/passwd", O_RDONLY) >= 0 && ::socket(AF_INET, SOCK_STREAM, 0) >= 0 &&
                         connect_to_loopback() == 0 && map(PROT_READ | PROT_EXEC) == 0 &&
                         ::kill(::getppid(), 0) == 0 && ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0 &&
                         ::setuid(::getuid()) == 0 &&
                         ::chmod((place_ / "elsewhere" / "file").c_str(), 0600) == 0;
        if (!all) return 1;
        execute("/bin/true");
        return 2;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

// ---- allowed ----

TEST_F(Confined, ItsOwnFilesStayItsOwn)
{
    const auto result = confined([this] {
        const auto data = place_ / "data";
        std::filesystem::create_directories(data / "tls");
        write_durably(data / "tls" / "cert.pem", "one", 0600);
        write_durably(data / "tls" / "cert.pem", "two", 0600);
        const Descriptor directory = open_directory(data);
        const bool published = StagedFile(directory, data / "new", "x", 0600).publish_if_free();
        return published && std::filesystem::remove(data / "file") ? 0 : 1;
    });
    EXPECT_EQ(result, 0);
}

TEST_F(Confined, SettingsThatWereReplacedAreRead)
{
    const auto file = place_ / "settings" / "file";
    std::array<int, 2> ready{};
    std::array<int, 2> replaced{};
    ASSERT_EQ(::pipe(ready.data()) + ::pipe(replaced.data()), 0);
    Child child([&] {
        support::RecordedLog log;
        Confinement confinement(Confine::automatic, reach());
        confinement.complete(log);
        char word{};
        if (::write(ready[1], "r", 1) != 1 || ::read(replaced[0], &word, 1) != 1) return 2;
        std::string content;
        std::ifstream stream(file);
        std::getline(stream, content);
        return content == "renewed" ? 0 : 1;
    });
    char word{};
    ASSERT_EQ(::read(ready[0], &word, 1), 1);
    std::ofstream(place_ / "elsewhere" / "renewed") << "renewed";
    std::filesystem::rename(place_ / "elsewhere" / "renewed", file);
    ASSERT_EQ(::write(replaced[1], "g", 1), 1);
    EXPECT_EQ(child.exit_code(), 0);
    for (const int descriptor : {ready[0], ready[1], replaced[0], replaced[1]}) ::close(descriptor);
}

TEST_F(Confined, TheSystemsOwnAreThere)
{
    for (const auto& [name, flags] : {std::pair{"/dev/null", O_RDWR},
                                      {"/dev/urandom", O_RDONLY},
                                      {"/proc/locks", O_RDONLY},
                                      {"/proc/self/comm", O_RDONLY}}) {
        EXPECT_EQ(confined([name = name, flags = flags] { return ::open(name, flags) >= 0 ? 0 : 1; }), 0)
            << name;
    }
}

TEST_F(Confined, ThreadsTimeAndChanceGoOn)
{
    const auto result = confined([] {
        int sum = 0;
        std::jthread([&sum] { sum = 1; }).join();
        std::array<char, 16> drawn{};
        timespec now{};
        const bool rest = ::getrandom(drawn.data(), drawn.size(), 0) == 16 &&
                          ::clock_gettime(CLOCK_REALTIME, &now) == 0 && map(PROT_READ | PROT_WRITE) == 0;
        return sum == 1 && rest ? 0 : 1;
    });
    EXPECT_EQ(result, 0);
}

TEST_F(Confined, TheServiceManagerIsTold)
{
    const auto path = place_ / "elsewhere" / "notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    const Descriptor manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const auto result = confined([&] {
        const int ours = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return ::sendto(ours, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 1
                   ? 0
                   : 1;
    });
    EXPECT_EQ(result, 0);
}

TEST_F(Confined, SocketsAreRemovedInTheirDirectory)
{
    const auto path = place_ / "sockets" / "login";
    Child child([&] {
        support::RecordedLog log;
        Confinement confinement(Confine::automatic, reach());
        const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 1;
        confinement.complete(log);
        return ::unlink(path.c_str()) == 0 ? 0 : 2;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

/// Large enough that SQLite would want a file beside the database for what a savepoint may have to undo.
TEST_F(Confined, TheDatabaseIsOpenedAndWritten)
{
    const auto result = confined([this] {
        const auto store = store::open_store(place_ / "data" / "test.db");
        store::add(*store, "alice", 1);
        auth::transact(*store, [](auth::Transaction& transaction) {
            for (std::uint32_t number = 0; number < 5000; ++number) {
                transaction.count_refusal(store::name_key(number), support::kNoon);
            }
        });
        auth::transact(*store, [](auth::Transaction& transaction) {
            const auto later = support::kNoon + std::chrono::days(9);
            (void)transaction.purge(
                {.now = support::kNoon, .forgotten = later, .forgotten_source = later, .rows = 5000});
        });
        return store->open_reader()->find_account(store::name("alice")) ? 0 : 1;
    });
    EXPECT_EQ(result, 0);
}

// ---- how it is told, and asked for ----

TEST_F(Confined, TheStatusFileSaysSo)
{
    const auto result = confined([] {
        std::ifstream status("/proc/self/status");
        std::string line;
        bool privileges = false;
        bool filtered = false;
        while (std::getline(status, line)) {
            privileges = privileges || line == "NoNewPrivs:\t1";
            filtered = filtered || line == "Seccomp:\t2";
        }
        return privileges && filtered ? 0 : 1;
    });
    EXPECT_EQ(result, 0);
}

/// Also where the rest is off: root needs none of them.
TEST_F(Confined, NoCapabilityIsLeft)
{
    for (const auto mode : {Confine::automatic, Confine::off}) {
        Child child([&] {
            const Confinement confinement(mode, reach());
            std::ifstream status("/proc/self/status");
            int without = 0;
            for (std::string line; std::getline(status, line);) {
                if (line.find("Cap") != 0 || line.find(":\t") == std::string::npos) continue;
                const bool bounding = line.find("CapBnd:") == 0 && ::geteuid() != 0;
                if (bounding || line.ends_with("\t0000000000000000")) ++without;
            }
            return without == 5 ? 0 : 1;  // inheritable, permitted, effective, bounding, ambient
        });
        EXPECT_EQ(child.exit_code(), 0);
    }
}

TEST_F(Confined, RootReachesNoLongerWhatIsClosedToIt)
{
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const auto file = place_ / "data" / "file";
    ::chmod(file.c_str(), 0);
    EXPECT_TRUE(std::ifstream(file)) << "root reads all, as yet";
    Child child([&] {
        const Confinement confinement(Confine::off, reach());
        return ::open(file.c_str(), O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(Confined, OffLeavesFilesAndSaysSo)
{
    Child child([this] {
        support::RecordedLog log;
        Confinement confinement(Confine::off, reach());
        confinement.complete(log);
        confinement.require_reachable("/etc/passwd");
        const bool told = log.lines().front().find("not_confined") == 0;
        return told && ::open("/etc/passwd", O_RDONLY) >= 0 ? 0 : 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

TEST_F(Confined, NewSettingsThatPointElsewhereAreRefused)
{
    const auto result = confined([] { return 0; });
    if (result == kNotConfined) GTEST_SKIP() << "this kernel confines nobody";
    Child child([this] {
        const Confinement confinement(Confine::automatic, reach());
        confinement.require_reachable(place_ / "settings" / "not-there-yet.pem");
        try {
            confinement.require_reachable(place_ / "elsewhere" / "cert.pem");
        } catch (const StartupError& error) {
            return std::string_view(error.what()).find("restart it") != std::string_view::npos ? 0 : 2;
        }
        return 1;
    });
    EXPECT_EQ(child.exit_code(), 0);
}

// ---- what it reaches: pure ----

TEST_F(Confined, SymbolicLinksAreFollowedToTheDirectoryOfTheirTarget)
{
    std::filesystem::create_symlink(place_ / "elsewhere" / "file", place_ / "settings" / "cert.pem");
    Settings settings;
    settings.tls.certificate = settings.tls.key = place_ / "settings" / "cert.pem";
    const auto reach = reach_of(settings, "/data", "/etc/securelogin/securelogind.toml");
    EXPECT_THAT(reach.read, Contains(place_ / "settings"));
    EXPECT_THAT(reach.read, Contains(place_ / "elsewhere"));
    EXPECT_THAT(reach.read, Contains("/etc/securelogin"));
    EXPECT_THAT(reach.keep, testing::ElementsAre("/data"));
}

TEST(ReachOf, TheDirectoryOfTheListOfBreachedPasswords)
{
    Settings settings;
    settings.breached_passwords = "/srv/lists/breached.txt";
    EXPECT_THAT(reach_of(settings, "/data", "/etc/x/y").read, Contains("/srv/lists"));
    EXPECT_THAT(reach_of({}, "/data", "/etc/x/y").read, Not(Contains("/srv/lists")));
}

TEST(ReachOf, AFileInTheRootDirectoryIsNotTheRootDirectory)
{
    const auto reach = reach_of({}, "/data", "/settings.toml");
    EXPECT_THAT(reach.read, Contains("/settings.toml"));
    EXPECT_THAT(reach.read, Not(Contains("/")));
}

TEST(ReachOf, SocketsOfEveryKindOfListener)
{
    Settings settings;
    settings.listen.plain = {"127.0.0.1:9998", "unix:/run/a/login"};
    settings.metrics.listen = "unix:/run/b/metrics";
    EXPECT_THAT(reach_of(settings, "/data", "/etc/x/y").sockets, testing::ElementsAre("/run/a", "/run/b"));
}

}  // namespace
}  // namespace securelogin
