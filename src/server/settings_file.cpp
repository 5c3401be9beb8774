#include "server/settings_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "server/descriptor.hpp"
#include "server/startup_error.hpp"

namespace securelogin {
namespace {

std::string read_all(int descriptor, const std::filesystem::path& file)
{
    std::string content(kLargestSettingsFile + 1, '\0');
    std::size_t size = 0;
    while (size < content.size()) {
        const auto count = ::read(descriptor, content.data() + size, content.size() - size);
        if (count == 0) break;
        if (count < 0 && errno != EINTR) {
            throw StartupError(
                fmt::format("{}: reading the settings: {}", file.string(), std::strerror(errno)));
        }
        if (count > 0) size += static_cast<std::size_t>(count);
    }
    content.resize(size);
    return content;
}

void require_trusted(int descriptor, const std::filesystem::path& file)
{
    struct stat status{};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        throw StartupError(fmt::format("{}: the settings are not a regular file: name another with --config",
                                       file.string()));
    }
    if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
        throw StartupError(fmt::format("{0}: the settings belong to another user (uid {1}): chown root {0}",
                                       file.string(), status.st_uid));
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        throw StartupError(fmt::format("{0}: mode {1:04o} lets others change the settings: chmod go-w {0}",
                                       file.string(), status.st_mode & 07777U));
    }
}

}  // namespace

std::optional<std::string> read_settings_file(const std::filesystem::path& file)
{
    // A FIFO would hold up the start for ever.
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!descriptor.is_open()) {
        const int error = errno;
        if (error == ENOENT || error == ENOTDIR) return std::nullopt;
        throw StartupError(fmt::format("{}: reading the settings: {}: name another file with --config",
                                       file.string(), std::strerror(error)));
    }
    require_trusted(descriptor.get(), file);
    return read_all(descriptor.get(), file);
}

}  // namespace securelogin
