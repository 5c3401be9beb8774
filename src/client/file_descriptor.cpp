#include "client/file_descriptor.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

namespace securelogin::client {
namespace {

int milliseconds_until(Deadline deadline)
{
    using std::chrono::milliseconds;
    const auto now = std::chrono::steady_clock::now();
    if (deadline <= now) return 0;
    const auto left = std::chrono::ceil<milliseconds>(deadline - now).count();
    return static_cast<int>(std::min<milliseconds::rep>(left, std::numeric_limits<int>::max()));
}

/// Somebody who shares our output may have made it non-blocking.
bool wait_for_room(int descriptor) noexcept
{
    pollfd waiting{.fd = descriptor, .events = POLLOUT, .revents = 0};
    return ::poll(&waiting, 1, -1) > 0 || errno == EINTR;
}

}  // namespace

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1))
{
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept
{
    if (this != &other) {
        close();
        descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
}

FileDescriptor::~FileDescriptor() { close(); }

void FileDescriptor::close() noexcept
{
    if (is_open()) ::close(descriptor_);
    descriptor_ = -1;
}

bool wait_for(int descriptor, short events, Deadline deadline)
{
    pollfd waiting{.fd = descriptor, .events = events, .revents = 0};
    for (;;) {
        const int ready = ::poll(&waiting, 1, milliseconds_until(deadline));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "waiting");
        if (std::chrono::steady_clock::now() >= deadline) return false;
    }
}

bool write_all(int descriptor, std::string_view bytes) noexcept
{
    while (!bytes.empty()) {
        const auto written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && (errno == EINTR || (errno == EAGAIN && wait_for_room(descriptor)))) continue;
        if (written < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace securelogin::client
