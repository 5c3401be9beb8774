#include "server/store/descriptor_vfs.hpp"

#include <SQLiteCpp/Exception.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace securelogin::store {
namespace {

constexpr int kLongestName = 64;

struct File {
    sqlite3_file base;  // first: SQLite knows no more of it
    int descriptor;
};

int descriptor_of(sqlite3_file* file) { return reinterpret_cast<File*>(file)->descriptor; }

// ---- the file (https://www.sqlite.org/c3ref/io_methods.html) ----

int close_file(sqlite3_file*) { return SQLITE_OK; }

int read_file(sqlite3_file* file, void* to, int size, sqlite3_int64 offset)
{
    auto* octets = static_cast<char*>(to);
    while (size > 0) {
        const auto count = ::pread(descriptor_of(file), octets, static_cast<std::size_t>(size), offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return SQLITE_IOERR_READ;
        if (count == 0) {
            std::memset(octets, 0, static_cast<std::size_t>(size));  // as xRead is documented
            return SQLITE_IOERR_SHORT_READ;
        }
        octets += count;
        offset += count;
        size -= static_cast<int>(count);
    }
    return SQLITE_OK;
}

int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset)
{
    const auto* octets = static_cast<const char*>(from);
    while (size > 0) {
        const auto count = ::pwrite(descriptor_of(file), octets, static_cast<std::size_t>(size), offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        octets += count;
        offset += count;
        size -= static_cast<int>(count);
    }
    return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size)
{
    return ::ftruncate(descriptor_of(file), size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int sync_file(sqlite3_file* file, int)
{
    return ::fsync(descriptor_of(file)) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

int file_size(sqlite3_file* file, sqlite3_int64* size)
{
    struct stat status{};
    if (::fstat(descriptor_of(file), &status) != 0) return SQLITE_IOERR_FSTAT;
    *size = status.st_size;
    return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) { return SQLITE_OK; }

int is_reserved(sqlite3_file*, int* reserved)
{
    *reserved = 0;
    return SQLITE_OK;
}

int control_file(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
int characteristics(sqlite3_file*) { return 0; }

constexpr sqlite3_io_methods kMethods{
    1,         close_file, read_file,   write_file,   truncate_file, sync_file,       file_size,
    lock_file, lock_file,  is_reserved, control_file, sector_size,   characteristics, nullptr,
    nullptr,   nullptr,    nullptr,     nullptr,      nullptr};

// ---- the file system that has this one file (https://www.sqlite.org/c3ref/vfs.html) ----

int open_file(sqlite3_vfs* vfs, const char*, sqlite3_file* file, int flags, int* opened)
{
    file->pMethods = nullptr;                                        // nothing to close
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0) return SQLITE_CANTOPEN;  // no journal, no temporary file
    reinterpret_cast<File*>(file)->descriptor = *static_cast<int*>(vfs->pAppData);
    file->pMethods = &kMethods;
    if (opened != nullptr) *opened = flags;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char*, int) { return SQLITE_OK; }

int access_file(sqlite3_vfs*, const char*, int, int* there)
{
    *there = 0;  // no journal lies beside it
    return SQLITE_OK;
}

int full_name(sqlite3_vfs*, const char* name, int size, char* full)
{
    sqlite3_snprintf(size, full, "%s", name);
    return SQLITE_OK;
}

// The rest is the machine's.
int randomness(sqlite3_vfs*, int size, char* out)
{
    auto* const machine = sqlite3_vfs_find(nullptr);
    return machine->xRandomness(machine, size, out);
}
int sleep_for(sqlite3_vfs*, int microseconds)
{
    auto* const machine = sqlite3_vfs_find(nullptr);
    return machine->xSleep(machine, microseconds);
}
int current_time(sqlite3_vfs*, double* now)
{
    auto* const machine = sqlite3_vfs_find(nullptr);
    return machine->xCurrentTime(machine, now);
}
int last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

DescriptorVfs::DescriptorVfs(int descriptor)
    : descriptor_(descriptor), name_("securelogin-descriptor-" + std::to_string(descriptor))
{
    vfs_.iVersion = 1;
    vfs_.szOsFile = sizeof(File);
    vfs_.mxPathname = kLongestName;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = &descriptor_;
    vfs_.xOpen = open_file;
    vfs_.xDelete = delete_file;
    vfs_.xAccess = access_file;
    vfs_.xFullPathname = full_name;
    vfs_.xRandomness = randomness;
    vfs_.xSleep = sleep_for;
    vfs_.xCurrentTime = current_time;
    vfs_.xGetLastError = last_error;
    constexpr int not_the_default = 0;
    if (const int code = sqlite3_vfs_register(&vfs_, not_the_default); code != SQLITE_OK) {
        throw SQLite::Exception("registering a file with SQLite", code);
    }
}

DescriptorVfs::~DescriptorVfs() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace securelogin::store
