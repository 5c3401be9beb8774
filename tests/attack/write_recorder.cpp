#include "write_recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace securelogin::attack {
namespace {

/// Octets of one or two values follow.
struct Header {
    std::uint32_t deed;
    std::uint32_t sizes[2];
    std::uint32_t process;
    std::uint64_t inode;
    std::int64_t offset;
};
static_assert(sizeof(Header) == 32);

constinit int log_descriptor = -1;  // see fault_injector.cpp: there is nobody to hand it down

constexpr int kOutOfTheWay = 500;  // no program is to notice a descriptor more

[[gnu::constructor]] void attach() noexcept
{
    const char* const file = std::getenv("SECURELOGIN_DISK_RECORD");
    if (file == nullptr) return;
    const auto opened = ::syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (opened < 0) std::abort();
    log_descriptor = static_cast<int>(::syscall(SYS_fcntl, opened, F_DUPFD_CLOEXEC, kOutOfTheWay));
    if (log_descriptor < 0) std::abort();
    ::syscall(SYS_close, opened);
}

/// One append is one piece, whoever else appends.
void append(const Header& header, const void* first, const void* second)
{
    const int saved = errno;
    const std::array parts{iovec{const_cast<Header*>(&header), sizeof header},
                           iovec{const_cast<void*>(first), header.sizes[0]},
                           iovec{const_cast<void*>(second), header.sizes[1]}};
    const auto whole = sizeof header + header.sizes[0] + header.sizes[1];
    const auto written = ::syscall(SYS_writev, log_descriptor, parts.data(), parts.size());
    if (written != static_cast<long>(whole)) std::abort();  // a record with holes proves nothing
    errno = saved;
}

Header header_of(Deed deed, std::uint64_t inode, std::int64_t offset, std::size_t first, std::size_t second)
{
    return {.deed = static_cast<std::uint32_t>(deed),
            .sizes = {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(second)},
            .process = static_cast<std::uint32_t>(::getpid()),
            .inode = inode,
            .offset = offset};
}

using Path = std::array<char, PATH_MAX>;

/// Absolute, without asking what it leads to.
std::size_t absolute(Place place, Path& out)
{
    std::size_t size = 0;
    if (place.path == nullptr) return 0;
    if (place.path[0] != '/') {
        std::array<char, 64> link{"/proc/self/cwd"};
        if (place.directory != AT_FDCWD) {
            std::array<char, 16> digits{};
            std::size_t count = 0;
            for (auto rest = place.directory; rest > 0 || count == 0; rest /= 10) {
                digits[count++] = static_cast<char>('0' + rest % 10);
            }
            auto* end = std::strcpy(link.data(), "/proc/self/fd/") + std::strlen("/proc/self/fd/");
            while (count > 0) *end++ = digits[--count];
            *end = '\0';
        }
        const auto read = ::syscall(SYS_readlink, link.data(), out.data(), out.size() - 1);
        if (read <= 0) std::abort();
        size = static_cast<std::size_t>(read);
        out[size++] = '/';
    }
    const auto rest = std::strlen(place.path);
    if (size + rest >= out.size()) std::abort();
    std::memcpy(out.data() + size, place.path, rest);
    return size + rest;
}

}  // namespace

void record(Deed deed, int descriptor, std::int64_t offset, const void* data, std::size_t size)
{
    if (log_descriptor < 0) return;
    const int saved = errno;
    struct stat status{};
    const bool known = ::fstat(descriptor, &status) == 0;
    errno = saved;
    if (!known || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))) return;
    append(header_of(deed, status.st_ino, offset, size, 0), data, nullptr);
}

void record_appended(int descriptor, const void* data, std::size_t size)
{
    if (log_descriptor < 0) return;
    const auto end = ::lseek(descriptor, 0, SEEK_CUR);
    record(Deed::write, descriptor, end - static_cast<std::int64_t>(size), data, size);
}

void record(Deed deed, Place place, Place other, int descriptor)
{
    if (log_descriptor < 0) return;
    const int saved = errno;
    Path first;
    Path second;
    const auto first_size = absolute(place, first);
    const auto second_size = absolute(other, second);
    struct stat status{};
    if (descriptor >= 0) ::fstat(descriptor, &status);
    if (deed == Deed::directory) ::fstatat(place.directory, place.path, &status, AT_SYMLINK_NOFOLLOW);
    append(header_of(deed, status.st_ino, 0, first_size, second_size), first.data(), second.data());
    errno = saved;
}

}  // namespace securelogin::attack
