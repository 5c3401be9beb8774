#include "server/auth/huge_pages.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace securelogin::auth {

void* map_huge_pages(std::size_t size)
{
    void* const mapped =
        mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    // Such pages begin at multiples of their size: what is before and behind goes back.
    auto* const begin = static_cast<std::uint8_t*>(mapped);
    const auto before = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
    if (before > 0) munmap(begin, before);
    munmap(begin + before + size, kHugePage - before);
    auto* const memory = begin + before;
    // Either may be refused by an old or small kernel, and is no reason to do without the rest.
    madvise(memory, size, MADV_HUGEPAGE);
    madvise(memory, size, MADV_DONTDUMP);
    return memory;
}

void unmap_huge_pages(void* memory, std::size_t size) noexcept { munmap(memory, size); }

}  // namespace securelogin::auth
