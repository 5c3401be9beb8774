#include "server/store/errors.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "server/store/sqlite_store.hpp"

namespace securelogin::store {
namespace {

struct Cause {
    std::string why;
    std::string_view remedy;
};

/// `process 1234 (sqlite3)`: another process that holds a write lock on `file`; empty when none can be seen.
/// Read out of /proc/locks: to ask the kernel with fcntl(2) the file would have to be opened, and closing it
/// again drops the locks that this process itself has on it (POSIX).
std::string lock_holder(const std::string& file)
{
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) return {};
    std::ifstream locks("/proc/locks");
    std::string line;
    while (std::getline(locks, line)) {
        std::istringstream words(line);
        std::string number, kind, mode, access, process, place;
        words >> number >> kind >> mode >> access >> process >> place;
        unsigned major = 0;
        unsigned minor = 0;
        unsigned long inode = 0;
        char colon = 0;
        std::istringstream place_words(place);
        place_words >> std::hex >> major >> colon >> minor >> colon >> std::dec >> inode;
        if (access != "WRITE" || inode != status.st_ino || makedev(major, minor) != status.st_dev) continue;
        if (process == std::to_string(::getpid())) continue;
        std::string name;
        std::getline(std::ifstream("/proc/" + process + "/comm"), name);
        return "process " + process + (name.empty() ? "" : " (" + name + ")");
    }
    return {};
}

bool is_busy(int code) noexcept
{
    const int kind = code & 0xFF;
    return kind == SQLITE_BUSY || kind == SQLITE_LOCKED || kind == SQLITE_PROTOCOL;
}

Cause locked(const std::filesystem::path& file)
{
    auto holder = lock_holder(file.string() + "-shm");
    if (holder.empty()) holder = lock_holder(file.string());
    if (holder.empty()) holder = "another program";
    return {"it is locked by " + holder, "wait until that is done with it, or end it"};
}

Cause cause_of(int code, const char* message, const std::filesystem::path& file)
{
    if (is_busy(code)) return locked(file);
    switch (code & 0xFF) {
        case SQLITE_FULL:
            return {"the disk is full", "free some space on its file system"};
        case SQLITE_READONLY:
            return {"it is read-only", "let this user write to the file and to the directory that it is in"};
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return {"it cannot be opened",
                    "let this user read and write the file and the directory that it is in"};
        case SQLITE_NOTADB:
            return {"it is not a database", "move it away, or put the right file or a backup in its place"};
        case SQLITE_CORRUPT:
            return {std::string("it is damaged: ") + message, "restore it from a backup"};
        case SQLITE_IOERR:
            return {std::string("reading or writing failed: ") + message,
                    "check the disk and its file system; the kernel's log may say more"};
        case SQLITE_NOMEM:
            return {"out of memory", "give the program more memory"};
        default:
            return {message, "this should not happen: please report it"};
    }
}

}  // namespace

bool is_damage(const SQLite::Exception& error) noexcept
{
    const int kind = error.getErrorCode() & 0xFF;
    return kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
}

auth::StoreError store_error(std::string_view doing, const std::filesystem::path& file, std::string_view why,
                             std::string_view remedy)
{
    std::string text(doing);
    text += ' ';
    text += file.string();
    text += ": ";
    text += why;
    text += ": ";
    text += remedy;
    return auth::StoreError(text);
}

void throw_store_error(std::string_view doing, const std::filesystem::path& file,
                       const SQLite::Exception& error)
{
    const auto [why, remedy] = cause_of(error.getErrorCode(), error.what(), file);
    const auto plain = store_error(doing, file, why, remedy);
    if (is_busy(error.getErrorCode())) throw StoreBusy(plain.what());
    if (is_damage(error)) throw StoreDamaged(plain.what());
    throw plain;
}

}  // namespace securelogin::store
