// The C library's functions for files and names: each may be made to fail (fault_injector.hpp), and what
// changes a file is recorded (write_recorder.hpp).
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>

#include "interposed.hpp"
#include "write_recorder.hpp"

using namespace securelogin::attack;

namespace {

constexpr Place kNowhere{.directory = AT_FDCWD, .path = nullptr};

int open_at(int directory, const char* path, int flags, mode_t mode)
{
    const auto descriptor = static_cast<int>(ask(Call::open, SYS_openat, directory, path, flags, mode));
    if (descriptor >= 0 && (flags & O_CREAT) != 0) {
        record(Deed::made, {.directory = directory, .path = path}, kNowhere, descriptor);
        if ((flags & O_TRUNC) != 0) record(Deed::truncate, descriptor, 0);
    }
    return descriptor;
}

/// The third argument of open(2) is there only when a file may be made.
#define OPEN_MODE(flags)                                                  \
    mode_t mode = 0;                                                      \
    if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        std::va_list list;                                                \
        va_start(list, flags);                                            \
        mode = va_arg(list, mode_t);                                      \
        va_end(list);                                                     \
    }

int sync_file(int descriptor, long number)
{
    const auto thread = ::syscall(SYS_gettid);
    record(Deed::sync_begin, descriptor, thread);
    const auto result = static_cast<int>(ask(Call::sync, number, descriptor));
    record(result == 0 ? Deed::sync_end : Deed::sync_fails, descriptor, thread);
    return result;
}

ssize_t write_at(int descriptor, const void* data, std::size_t size, off_t offset)
{
    const auto call = by_kind(descriptor, Call::write, Call::none);
    const auto count = ask(call, SYS_pwrite64, descriptor, data, size, offset);
    if (count > 0) record(Deed::write, descriptor, offset, data, static_cast<std::size_t>(count));
    return count;
}

ssize_t read_at(int descriptor, void* data, std::size_t size, off_t offset)
{
    return ask(by_kind(descriptor, Call::read, Call::none), SYS_pread64, descriptor, data, size, offset);
}

int resize(int descriptor, off_t size)
{
    const auto result = static_cast<int>(ask(Call::size, SYS_ftruncate, descriptor, size));
    if (result == 0) record(Deed::truncate, descriptor, size);
    return result;
}

int control(int descriptor, int command, void* argument)
{
    const bool locks = command == F_SETLK || command == F_SETLKW;
    const bool gives_back = locks && static_cast<const struct flock*>(argument)->l_type == F_UNLCK;
    const auto call = locks && !gives_back ? Call::lock : Call::none;
    return static_cast<int>(ask(call, SYS_fcntl, descriptor, command, argument));
}

int done(int result, Deed deed, Place place, Place other = kNowhere)
{
    if (result == 0) record(deed, place, other);
    return result;
}

}  // namespace

extern "C" {

// ---- files ----

int open(const char* path, int flags, ...)
{
    OPEN_MODE(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...)
{
    OPEN_MODE(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int directory, const char* path, int flags, ...)
{
    OPEN_MODE(flags)
    return open_at(directory, path, flags, mode);
}
int openat64(int directory, const char* path, int flags, ...)
{
    OPEN_MODE(flags)
    return open_at(directory, path, flags, mode);
}
// What fortified code calls where the flags are not known when it is compiled.
int __open_2(const char* path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char* path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __openat_2(int directory, const char* path, int flags) { return open_at(directory, path, flags, 0); }
int __openat64_2(int directory, const char* path, int flags) { return open_at(directory, path, flags, 0); }

ssize_t write(int descriptor, const void* data, std::size_t size)
{
    const auto call = by_kind(descriptor, Call::write, Call::send);
    const auto count = ask(call, SYS_write, descriptor, data, size);
    if (count > 0 && call == Call::write) record_appended(descriptor, data, static_cast<std::size_t>(count));
    return count;
}
ssize_t writev(int descriptor, const iovec* parts, int number)
{
    const auto call = by_kind(descriptor, Call::write, Call::send);
    // In pieces, each of which is recorded.
    if (call != Call::write) return ask(call, SYS_writev, descriptor, parts, number);
    ssize_t total = 0;
    for (int part = 0; part < number; ++part) {
        const auto count = write(descriptor, parts[part].iov_base, parts[part].iov_len);
        if (count < 0) return total > 0 ? total : count;
        total += count;
        if (static_cast<std::size_t>(count) < parts[part].iov_len) break;
    }
    return total;
}
ssize_t pwrite(int descriptor, const void* data, std::size_t size, off_t offset)
{
    return write_at(descriptor, data, size, offset);
}
ssize_t pwrite64(int descriptor, const void* data, std::size_t size, off64_t offset)
{
    return write_at(descriptor, data, size, offset);
}
ssize_t read(int descriptor, void* data, std::size_t size)
{
    return ask(by_kind(descriptor, Call::read, Call::receive), SYS_read, descriptor, data, size);
}
ssize_t pread(int descriptor, void* data, std::size_t size, off_t offset)
{
    return read_at(descriptor, data, size, offset);
}
ssize_t pread64(int descriptor, void* data, std::size_t size, off64_t offset)
{
    return read_at(descriptor, data, size, offset);
}
int fsync(int descriptor) { return sync_file(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return sync_file(descriptor, SYS_fdatasync); }
int ftruncate(int descriptor, off_t size) noexcept { return resize(descriptor, size); }
int ftruncate64(int descriptor, off64_t size) noexcept { return resize(descriptor, size); }
int fcntl(int descriptor, int command, ...)
{
    std::va_list list;
    va_start(list, command);
    void* const argument = va_arg(list, void*);
    va_end(list);
    return control(descriptor, command, argument);
}
int fcntl64(int descriptor, int command, ...)
{
    std::va_list list;
    va_start(list, command);
    void* const argument = va_arg(list, void*);
    va_end(list);
    return control(descriptor, command, argument);
}

// ---- names ----

int rename(const char* from, const char* to) noexcept { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept
{
    const auto result =
        static_cast<int>(ask(Call::name, SYS_renameat, from_directory, from, to_directory, to));
    return done(result, Deed::rename, {from_directory, from}, {to_directory, to});
}
int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags) noexcept
{
    const auto result =
        static_cast<int>(ask(Call::name, SYS_linkat, from_directory, from, to_directory, to, flags));
    return done(result, Deed::link, {from_directory, from}, {to_directory, to});
}
int unlinkat(int directory, const char* path, int flags) noexcept
{
    const auto result = static_cast<int>(ask(Call::name, SYS_unlinkat, directory, path, flags));
    return done(result, Deed::unlink, {directory, path});
}
int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }
int mkdirat(int directory, const char* path, mode_t mode) noexcept
{
    const auto result = static_cast<int>(ask(Call::name, SYS_mkdirat, directory, path, mode));
    return done(result, Deed::directory, {directory, path});
}
int mkdir(const char* path, mode_t mode) noexcept { return mkdirat(AT_FDCWD, path, mode); }
}
