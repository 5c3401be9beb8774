#include "common/secret.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <new>
#include <utility>

namespace securelogin {
namespace {

constexpr std::size_t kSmallestSecureBlock =
    32;  // bytes; OpenSSL rounds each allocation up to a power of two

}  // namespace

Secret::Secret(std::size_t size) : size_(size), capacity_(size)
{
    if (size == 0) return;
    // The secure heap is bounded and answers nullptr when it is full: a busy server goes on without it.
    if (CRYPTO_secure_malloc_initialized() == 1) data_ = static_cast<char*>(OPENSSL_secure_malloc(size));
    if (data_ == nullptr) data_ = static_cast<char*>(OPENSSL_malloc(size));
    if (data_ == nullptr) throw std::bad_alloc();
    std::fill_n(data_, size, '\0');
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0))
{
}

Secret& Secret::operator=(Secret&& other) noexcept
{
    if (this != &other) {
        clear();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
}

Secret::~Secret() { clear(); }

Secret Secret::copy_of(std::string_view bytes)
{
    Secret secret(bytes.size());
    std::ranges::copy(bytes, secret.data_);
    return secret;
}

std::span<std::uint8_t> Secret::bytes() noexcept { return {reinterpret_cast<std::uint8_t*>(data_), size_}; }

std::span<const std::uint8_t> Secret::bytes() const noexcept
{
    return {reinterpret_cast<const std::uint8_t*>(data_), size_};
}

void Secret::truncate(std::size_t size) noexcept
{
    assert(size <= size_);
    wipe({data_ + size, size_ - size});
    size_ = size;
}

void Secret::clear() noexcept
{
    // Frees to whichever heap the block came from.
    OPENSSL_secure_clear_free(data_, capacity_);
    data_ = nullptr;
    size_ = capacity_ = 0;
}

void wipe(std::span<char> bytes) noexcept { OPENSSL_cleanse(bytes.data(), bytes.size()); }

__attribute__((noinline, no_sanitize("address"))) void wipe_stack() noexcept
{
    constexpr std::size_t deepest = 16384;
    std::array<char, deepest> left_behind;  // NOLINT(cppcoreguidelines-pro-type-member-init): it is the point
    wipe(left_behind);
}

bool make_secure_heap(std::size_t bytes)
{
    return CRYPTO_secure_malloc_init(bytes, kSmallestSecureBlock) == 1;
}

}  // namespace securelogin
