// huge_pages.hpp: memory in pages of 2 MiB, where the kernel has them (transparent huge pages).
//
// What a processor must look up to find a page of 4 KiB among many is waited for as long as the memory
// itself, and in a virtual machine longer.
#pragma once

#include <cstddef>

namespace securelogin::auth {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20U;  // bytes

/// Zeroes, which become memory when they are touched first; kept out of core files.  Throws std::bad_alloc.
/// REQUIRES: size is a multiple of kHugePage, and not nought.
[[nodiscard]] void* map_huge_pages(std::size_t size);
void unmap_huge_pages(void* memory, std::size_t size) noexcept;

}  // namespace securelogin::auth
