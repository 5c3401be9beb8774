#include "server/directory_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <string>

#include "server/ownership.hpp"

namespace securelogin {
namespace {

constexpr unsigned kOwnerOnly = 0600;

std::filesystem::path lock_file(const std::filesystem::path& data) { return data / "lock"; }

[[noreturn]] void fail(const std::filesystem::path& data, int error)
{
    throw StartupError(fmt::format("{}: locking it: {}", shell_word(lock_file(data)), explain(error)));
}

Descriptor open_lock(const std::filesystem::path& data, int flags)
{
    return Descriptor(
        ::open(lock_file(data).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, kOwnerOnly));
}

/// The first octet, which only daemons lock.
struct flock daemons_mark(short type)
{
    struct flock mark{};
    mark.l_type = type;
    mark.l_whence = SEEK_SET;
    mark.l_start = 0;
    mark.l_len = 1;
    return mark;
}

std::optional<pid_t> marked_by(const Descriptor& file, const std::filesystem::path& data)
{
    auto mark = daemons_mark(F_WRLCK);
    if (::fcntl(file.get(), F_GETLK, &mark) != 0) fail(data, errno);
    if (mark.l_type == F_UNLCK) return std::nullopt;
    return mark.l_pid > 0 ? mark.l_pid : 0;  // one of another PID namespace has no number here
}

[[noreturn]] void refuse_others(const Descriptor& file, const std::filesystem::path& data)
{
    const auto daemon = marked_by(file, data);
    if (!daemon) {
        throw DirectoryBusy(
            fmt::format("{}: another program is at work in it: wait until it is done", shell_word(data)));
    }
    const auto who = *daemon > 0 ? fmt::format(" (process {})", *daemon) : std::string();
    throw DirectoryBusy(fmt::format(
        "{}: securelogind{} runs on it: stop it first (systemctl stop securelogind)", shell_word(data), who));
}

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& data, As as) : file_(open_lock(data, O_CREAT))
{
    if (!file_.is_open()) fail(data, errno);
    const int how = as == As::only ? LOCK_EX : LOCK_SH;
    if (::flock(file_.get(), how | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) fail(data, errno);
        if (as == As::only) refuse_others(file_, data);
        throw DirectoryBusy(
            fmt::format("{}: a backup is being restored there: wait until that is done", shell_word(data)));
    }
    if (as != As::daemon) return;
    auto mark = daemons_mark(F_RDLCK);
    if (::fcntl(file_.get(), F_SETLK, &mark) != 0) fail(data, errno);
}

std::optional<pid_t> running_daemon(const std::filesystem::path& data)
{
    const auto file = open_lock(data, 0);
    if (!file.is_open()) {
        if (errno == ENOENT) return std::nullopt;
        fail(data, errno);
    }
    return marked_by(file, data);
}

}  // namespace securelogin
