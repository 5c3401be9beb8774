#include "server/auth/hash_arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cassert>
#include <cstdint>
#include <cstdlib>

#include "server/auth/huge_pages.hpp"

namespace securelogin::auth {
namespace {

/// The calling thread's arena as mmap() finds it, which has no argument that could lead there.
struct Lent {
    void* memory = nullptr;
    std::size_t size = 0;
    bool in_force = false;
    bool in_use = false;
    bool ran_out = false;  // see InForce
};
thread_local constinit Lent lent = {};

std::size_t round_up(std::size_t size, std::size_t unit) noexcept { return (size + unit - 1) / unit * unit; }

/// So that no hash pays for the first touch.
void touch(void* memory, std::size_t size) noexcept
{
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    auto* const bytes = static_cast<volatile std::uint8_t*>(memory);
    for (std::size_t at = 0; at < size; at += page) bytes[at] = 0;
}

bool fits_arena(const void* address, std::size_t size, int protection, int flags, int file) noexcept
{
    constexpr int fresh_memory = MAP_PRIVATE | MAP_ANONYMOUS;
    return lent.in_force && !lent.in_use && size <= lent.size && address == nullptr &&
           protection == (PROT_READ | PROT_WRITE) && (flags & ~MAP_POPULATE) == fresh_memory && file == -1;
}

}  // namespace

std::size_t HashArena::size_for(const HashParameters& parameters) noexcept
{
    return round_up(parameters.memory_kib * kBytesPerKib, kHugePage);
}

HashArena::HashArena(const HashParameters& parameters) : size_(size_for(parameters))
{
    assert(lent.memory == nullptr);
    memory_ = map_huge_pages(size_);
    touch(memory_, size_);
    lent = {.memory = memory_, .size = size_};
}

HashArena::~HashArena()
{
    assert(lent.memory == memory_ && !lent.in_use);
    lent = {};
    unmap_huge_pages(memory_, size_);
}

HashArena::InForce::InForce() noexcept
{
    assert(!lent.in_force);
    lent.in_force = true;
    lent.ran_out = false;
}

HashArena::InForce::~InForce() { lent.in_force = false; }

bool HashArena::InForce::ran_out() const noexcept { return lent.ran_out; }

}  // namespace securelogin::auth

// libsodium's calls for memory, and no others, come here: the build renames them in its copy of the library
// (cmake/Dependencies.cmake).  The arena is handed out as it is, without zeroes: Argon2 writes each block
// before it reads it.
extern "C" {

void* securelogin_arena_malloc(std::size_t size);
void* securelogin_arena_mmap(void* address, std::size_t size, int protection, int flags, int file,
                             off_t offset);
int securelogin_arena_munmap(void* address, std::size_t size);

void* securelogin_arena_malloc(std::size_t size)
{
    void* const memory = ::malloc(size);
    if (memory == nullptr && size > 0) securelogin::auth::lent.ran_out = true;
    return memory;
}

void* securelogin_arena_mmap(void* address, std::size_t size, int protection, int flags, int file,
                             off_t offset)
{
    using securelogin::auth::lent;
    if (!securelogin::auth::fits_arena(address, size, protection, flags, file)) {
        void* const memory = ::mmap(address, size, protection, flags, file, offset);
        if (memory == MAP_FAILED) lent.ran_out = true;
        return memory;
    }
    lent.in_use = true;
    return lent.memory;
}

int securelogin_arena_munmap(void* address, std::size_t size)
{
    using securelogin::auth::lent;
    if (!lent.in_use || address != lent.memory) return ::munmap(address, size);
    lent.in_use = false;
    return 0;
}

}  // extern "C"
