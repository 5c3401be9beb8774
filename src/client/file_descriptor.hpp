// file_descriptor.hpp: an open file that is closed with its owner, and waiting for one with a deadline.
#pragma once

#include <chrono>
#include <string_view>

namespace securelogin::client {

using Deadline = std::chrono::steady_clock::time_point;

class FileDescriptor {
  public:
    FileDescriptor() noexcept = default;
    explicit FileDescriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    FileDescriptor(FileDescriptor&& other) noexcept;
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor();

    [[nodiscard]] int get() const noexcept { return descriptor_; }
    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
    void close() noexcept;

  private:
    int descriptor_ = -1;
};

/// Waits until one of `events` (poll(2)) or an error is there; false when the deadline came first.
/// Throws std::system_error.
[[nodiscard]] bool wait_for(int descriptor, short events, Deadline deadline);

/// Writes all of `bytes`.  False with errno set when the descriptor does not take them.
[[nodiscard]] bool write_all(int descriptor, std::string_view bytes) noexcept;

}  // namespace securelogin::client
