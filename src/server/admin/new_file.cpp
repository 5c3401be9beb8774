#include "server/admin/new_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/terminal.hpp"

namespace securelogin::admin {
namespace {

constexpr mode_t kOwnerOnly = 0600;

[[noreturn]] void fail_to_write(ExitCode code, const std::filesystem::path& path, const std::string& why)
{
    throw Failure(code, "writing " + printable(path.string()) + ": " + why);
}

Descriptor create(const std::filesystem::path& path)
{
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly));
    if (file.is_open()) return file;
    if (errno == EEXIST)
        fail_to_write(ExitCode::cannot_create, path, "it exists: remove it, or choose another name");
    fail_to_write(ExitCode::cannot_create, path, system_says());
}

/// While the program still has the rights of the one who asked for the file.
Descriptor open_directory_of(const std::filesystem::path& path)
{
    const auto directory = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    return Descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/// Whether `name` still is the file that we made, and not another that was put in its place.
bool is_still(int file, const char* name) noexcept
{
    struct stat ours{};
    struct stat there{};
    return fstat(file, &ours) == 0 && lstat(name, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

/// The child: waits for the verdict.  Calls nothing that is not safe after fork.
[[noreturn]] void remove_unless_kept(int verdict, int file, const char* name) noexcept
{
    char octet = 0;
    ssize_t count = 0;
    do {
        count = ::read(verdict, &octet, 1);
    } while (count < 0 && errno == EINTR);
    if (count != 1 && is_still(file, name)) ::unlink(name);
    _exit(0);
}

}  // namespace

NewFile::NewFile(const std::filesystem::path& path)
    : path_(path), file_(create(path)), directory_(open_directory_of(path))
{
    try {
        start_remover();
    } catch (...) {
        ::unlink(path_.c_str());
        throw;
    }
}

NewFile::~NewFile() { end_remover(); }

void NewFile::start_remover()
{
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_to_write(ExitCode::system, path_, system_says());
    const Descriptor reading(ends[0]);
    verdict_ = Descriptor(ends[1]);

    // The child must outlive whatever ends this process: Ctrl-C reaches the whole group.
    const SignalsHeld held;
    remover_ = fork();
    if (remover_ < 0) fail_to_write(ExitCode::system, path_, system_says());
    if (remover_ == 0) {
        ::close(ends[1]);
        remove_unless_kept(ends[0], file_.get(), path_.c_str());
    }
}

void NewFile::end_remover() noexcept
{
    verdict_.close();
    while (remover_ > 0 && waitpid(remover_, nullptr, 0) < 0 && errno == EINTR) continue;
    remover_ = -1;
}

void NewFile::write(std::string_view content)
{
    append(content);
    sync();
}

void NewFile::append(std::string_view content)
{
    while (!content.empty()) {
        const auto written = ::write(file_.get(), content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail_to_write(ExitCode::input_output, path_, system_says());
        content.remove_prefix(static_cast<std::size_t>(written));
    }
}

void NewFile::sync()
{
    if (fsync(file_.get()) != 0) fail_to_write(ExitCode::input_output, path_, system_says());
    // Some file systems sync no directory (EINVAL), and are as good as they are.
    if (directory_.is_open() && fsync(directory_.get()) != 0 && errno != EINVAL)
        fail_to_write(ExitCode::input_output, path_, system_says());
}

void NewFile::keep() noexcept
{
    constexpr char kept = 'k';
    while (::write(verdict_.get(), &kept, 1) < 0 && errno == EINTR) continue;
    end_remover();
}

}  // namespace securelogin::admin
