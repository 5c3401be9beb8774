#include "server/landlock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "server/descriptor.hpp"
#include "server/startup_error.hpp"

namespace securelogin {
namespace {

// What Debian 12's headers do not have yet (linux/landlock.h of Linux 6.12).
constexpr std::uint64_t kTruncate = 1ULL << 14U;       // from version 3 on
constexpr std::uint64_t kIoctlOnDevice = 1ULL << 15U;  // 5
constexpr std::uint64_t kConnectTcp = 1ULL << 1U;      // 4
constexpr std::uint64_t kScopeSignals = 1ULL << 1U;    // 6
struct RulesetAttributes {
    std::uint64_t files;
    std::uint64_t network;
    std::uint64_t scopes;
};

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t kReadWrite = kRead | LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kKeep = kReadWrite | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | kTruncate;
constexpr std::uint64_t kSockets = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;

/// All that a version knows of, so that what no rule grants is refused.
RulesetAttributes handled_by(int version) noexcept
{
    RulesetAttributes all{.files = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1U) - 1, .network = 0, .scopes = 0};
    if (version >= 2) all.files |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) all.files |= kTruncate;
    if (version >= 4) all.network = kConnectTcp;
    if (version >= 5) all.files |= kIoctlOnDevice;
    if (version >= 6) all.scopes = kScopeSignals;
    return all;
}

[[noreturn]] void fail(std::string_view doing, int error)
{
    throw StartupError(fmt::format("confining this process: {}: {}: set process.confine to \"off\"", doing,
                                   std::strerror(error)));
}

class Ruleset {
  public:
    explicit Ruleset(int version) : handled_(handled_by(version))
    {
        // A kernel of an earlier version takes what it does not know as long as it is nought.
        descriptor_ = Descriptor(
            static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled_, sizeof handled_, 0U)));
        if (!descriptor_.is_open()) fail("landlock_create_ruleset", errno);
    }

    void allow(const std::filesystem::path& path, std::uint64_t access) const
    {
        const Descriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
        if (!place.is_open()) return;
        landlock_path_beneath_attr rule{};
        rule.allowed_access = access & handled_.files;
        rule.parent_fd = place.get();
        if (::syscall(SYS_landlock_add_rule, descriptor_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0U) != 0) {
            fail(path.native(), errno);
        }
    }

    void enforce() const
    {
        if (::syscall(SYS_landlock_restrict_self, descriptor_.get(), 0U) != 0) {
            fail("landlock_restrict_self", errno);
        }
    }

  private:
    const RulesetAttributes handled_;
    Descriptor descriptor_;
};

/// 0: none.
int version_of_landlock() noexcept
{
    const auto version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0UL, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? static_cast<int>(version) : 0;
}

}  // namespace

int restrict_files(const Reach& reach)
{
    const int version = version_of_landlock();
    if (version == 0) return 0;
    const Ruleset rules(version);
    for (const auto& path : reach.read) rules.allow(path, kRead);
    for (const auto& path : reach.keep) rules.allow(path, kKeep);
    for (const auto& path : reach.sockets) rules.allow(path, kSockets);
    for (const auto& path : reach.devices) rules.allow(path, kReadWrite);
#ifdef SECURELOGIN_SANITIZE
    rules.allow("/proc", LANDLOCK_ACCESS_FS_READ_DIR);  // its runtime looks for our threads when we end
#endif
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no new privileges", errno);
    rules.enforce();
    return version;
}

}  // namespace securelogin
