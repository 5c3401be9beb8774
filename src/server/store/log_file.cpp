#include "server/store/log_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "server/store/errors.hpp"

namespace securelogin::store {
namespace {

constexpr std::size_t kPiece = 65536;  // octets

/// False, with errno set, when it cannot be done.
bool copy_onto_itself(int log)
{
    std::array<char, kPiece> octets{};
    off_t position = 0;
    for (;;) {
        const auto count = ::pread(log, octets.data(), octets.size(), position);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return count == 0;
        const auto written = ::pwrite(log, octets.data(), static_cast<std::size_t>(count), position);
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) position += written;
    }
}

}  // namespace

void write_again(const std::filesystem::path& log)
{
    const int descriptor = ::open(log.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    const bool done = descriptor >= 0 && copy_onto_itself(descriptor) && ::fdatasync(descriptor) == 0;
    const int error = errno;
    // This drops none of SQLite's locks (POSIX): they are on the database and on the log's index.
    if (descriptor >= 0) ::close(descriptor);
    if (done) return;
    throw store_error("writing once more what could not be synced in", log, std::strerror(error),
                      "check the disk and its file system; the kernel's log may say more");
}

}  // namespace securelogin::store
