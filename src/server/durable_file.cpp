#include "server/durable_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "server/data_directory.hpp"
#include "server/ownership.hpp"

namespace securelogin {
namespace {

constexpr int kMostTries = 100;  // names left behind by crashed programs with our process id

std::string staged_name(const std::filesystem::path& file)
{
    static std::atomic<unsigned> number = 0;
    return fmt::format(".{}.{}.{}", file.filename().string(), ::getpid(), number++);
}

bool write_all(int descriptor, std::string_view content)
{
    while (!content.empty()) {
        const auto written = ::write(descriptor, content.data(), content.size());
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) content.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

Descriptor open_directory(const std::filesystem::path& path) noexcept
{
    return Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

StagedFile::StagedFile(const Descriptor& directory, const std::filesystem::path& file,
                       std::string_view content, unsigned mode)
    : directory_(directory), file_(file)
{
    try {
        fill(content, mode);
    } catch (...) {
        remove();
        throw;
    }
}

StagedFile::~StagedFile() { remove(); }

void StagedFile::fill(std::string_view content, unsigned mode)
{
    Descriptor descriptor;
    for (int tries = 0; !descriptor.is_open(); ++tries) {
        staged_name_ = staged_name(file_);
        descriptor =
            Descriptor(::openat(directory_.get(), staged_name_.c_str(),
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
        if (!descriptor.is_open() && (errno != EEXIST || tries == kMostTries)) fail(errno);
    }
    staged_ = true;
    // Whatever the umask is, before the first octet is in it.
    if (::fchmod(descriptor.get(), mode) != 0 || !write_all(descriptor.get(), content) ||
        ::fsync(descriptor.get()) != 0) {
        fail(errno);
    }
}

void StagedFile::replace()
{
    if (::renameat(directory_.get(), staged_name_.c_str(), directory_.get(), file_.filename().c_str()) != 0)
        fail(errno);
    staged_ = false;
}

bool StagedFile::publish_if_free()
{
    // A hard link, since renameat2(RENAME_NOREPLACE) is not to be had on every file system.
    const bool linked =
        ::linkat(directory_.get(), staged_name_.c_str(), directory_.get(), file_.filename().c_str(), 0) == 0;
    if (!linked && errno != EEXIST) fail(errno);
    remove();
    return linked;
}

void StagedFile::fail(int error) const
{
    throw StartupError(fmt::format("{}: writing it: {}", shell_word(file_), explain(error)));
}

void StagedFile::remove() noexcept
{
    if (staged_) ::unlinkat(directory_.get(), staged_name_.c_str(), 0);
    staged_ = false;
}

bool make_directory_durably(const std::filesystem::path& path)
{
    const bool made = ::mkdir(path.c_str(), S_IRWXU) == 0;
    if (!made && errno != EEXIST) {
        throw StartupError(fmt::format("{}: making the directory: {}", shell_word(path), explain(errno)));
    }
    // Also where somebody else has just made it, and may not have come to this.  Whoever may not read what is
    // above has to take it as it is.
    const auto parent = open_directory(path.parent_path());
    if (parent.is_open()) sync_directory(parent, path.parent_path());
    return made;
}

void sync_directory(const Descriptor& directory, const std::filesystem::path& path)
{
    if (::fsync(directory.get()) == 0) return;
    throw StartupError(fmt::format("{}: making it durable: {}", shell_word(path), explain(errno)));
}

void require_private(const std::filesystem::path& file)
{
    // Symbolic links are followed: certbot's live/NAME/privkey.pem is one.  What counts is the file that is
    // read.
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status{};
    if (!descriptor.is_open() || ::fstat(descriptor.get(), &status) != 0) {
        throw StartupError(fmt::format("{}: reading it: {}", shell_word(file), explain(errno)));
    }
    require_private_file(status, file);
}

void write_durably(const std::filesystem::path& file, std::string_view content, unsigned mode)
{
    const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const auto directory = open_directory(parent);
    if (!directory.is_open()) {
        throw StartupError(fmt::format("{}: opening the directory: {}", shell_word(parent), explain(errno)));
    }
    StagedFile staged(directory, file, content, mode);
    staged.replace();
    sync_directory(directory, parent);
}

}  // namespace securelogin
