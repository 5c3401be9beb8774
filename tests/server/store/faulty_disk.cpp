#include "tests/server/store/faulty_disk.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace securelogin::store {

ssize_t FaultyDisk::write_at(int descriptor, const void* octets, std::size_t size, off_t offset)
{
    if (const int error = failure_) {
        errno = error;
        return -1;
    }
    writes_ += 1;
    return ::pwrite(descriptor, octets, size, offset);
}

}  // namespace securelogin::store

// SQLite has no hook for this one: the program's own is found before the C library's.
extern "C" int fdatasync(int descriptor)
{
    if (const int error = securelogin::store::FaultyDisk::count_sync()) {
        errno = error;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}
