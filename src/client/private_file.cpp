#include "client/private_file.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "client/failure.hpp"
#include "common/text.hpp"

namespace securelogin::client {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;

void sync_directory(const fs::path& directory)
{
    const FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || ::fsync(opened.get()) != 0) file_failure("saving", directory);
}

fs::path home()
{
    const char* const variable = std::getenv("HOME");
    if (variable != nullptr && *variable == '/') return variable;
    const auto* const entry = ::getpwuid(::geteuid());
    if (entry != nullptr && entry->pw_dir != nullptr && *entry->pw_dir == '/') return entry->pw_dir;
    throw Failure(
        ExitCode::not_trusted,
        "looking for known_hosts: no home directory: set HOME or XDG_CONFIG_HOME, or use --fingerprint");
}

}  // namespace

fs::path configuration_directory()
{
    const char* const configured = std::getenv("XDG_CONFIG_HOME");
    // The XDG specification: a relative path is to be ignored.
    const auto base = configured != nullptr && *configured == '/' ? fs::path(configured) : home() / ".config";
    return base / "securelogin";
}

void make_private_directory(const fs::path& directory)
{
    std::error_code error;
    fs::create_directories(directory.parent_path(), error);
    if (error) file_failure("making", directory.parent_path(), error.message());
    if (::mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST) file_failure("making", directory);
}

FileDescriptor lock_directory(const fs::path& directory)
{
    FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || ::flock(opened.get(), LOCK_EX) != 0) file_failure("locking", directory);
    return opened;
}

void replace_file(const fs::path& file, std::string_view contents)
{
    auto name = file.string() + ".XXXXXX";
    FileDescriptor temporary(::mkostemp(name.data(), O_CLOEXEC));
    if (!temporary.is_open()) file_failure("saving", file);
    const bool written = write_all(temporary.get(), contents) && ::fchmod(temporary.get(), kFileMode) == 0 &&
                         ::fsync(temporary.get()) == 0 && ::rename(name.c_str(), file.c_str()) == 0;
    if (!written) {
        const int error = errno;
        ::unlink(name.c_str());
        errno = error;
        file_failure("saving", file);
    }
    sync_directory(file.parent_path());
}

void file_failure(std::string_view doing, const fs::path& file, const std::string& why)
{
    throw Failure(ExitCode::not_trusted, std::string(doing) + ' ' + printable(file.string()) + ": " + why);
}

void file_failure(std::string_view doing, const fs::path& file)
{
    file_failure(doing, file, std::generic_category().message(errno));
}

}  // namespace securelogin::client
