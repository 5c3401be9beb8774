// secret.hpp: bytes that nobody but their owner may see, and that are gone when the owner is.
//
// A Secret lies in OpenSSL's secure heap (locked in memory, kept out of core files) where the program has
// made one and it has room, else in the ordinary heap.  Either way its bytes are overwritten when it is
// destroyed, assigned to or cleared.  It cannot be copied by accident, compared with == or printed.
//
// Not safe for use by two threads at once; may be handed from one to another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace securelogin {

class Secret {
  public:
    Secret() noexcept = default;
    /// `size` zero bytes.  Throws std::bad_alloc.
    explicit Secret(std::size_t size);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret();

    /// A copy of `bytes`, which the caller remains responsible for wiping.  Throws std::bad_alloc.
    [[nodiscard]] static Secret copy_of(std::string_view bytes);
    [[nodiscard]] Secret clone() const { return copy_of(view()); }

    [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::span<char> chars() noexcept { return {data_, size_}; }
    [[nodiscard]] std::span<const char> chars() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::span<std::uint8_t> bytes() noexcept;
    [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Makes it shorter; what is cut off is wiped.  REQUIRES: size <= this->size().
    void truncate(std::size_t size) noexcept;
    /// Wipes and frees.
    void clear() noexcept;

  private:
    char* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// Overwrites memory in a way that the compiler may not drop.
void wipe(std::span<char> bytes) noexcept;

/// Overwrites what libraries that know of no secrets have left on the stack, below the caller's frame: the
/// 16 KiB that were in use there last.
void wipe_stack() noexcept;

/// Makes the secure heap that Secret uses.  Once, at the start of a program, before other threads run.
/// False when the memory could be had but not locked (RLIMIT_MEMLOCK): worth one warning.
/// REQUIRES: bytes is a power of two.
[[nodiscard]] bool make_secure_heap(std::size_t bytes);

}  // namespace securelogin
