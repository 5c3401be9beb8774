// memory_limit.hpp: a machine without memory, for tests that must see what happens then.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <stdexcept>

namespace securelogin::support {

/// Sanitizers reserve terabytes of addresses, which a limit on them does not survive.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kCanLimitMemory = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kCanLimitMemory = false;
#else
inline constexpr bool kCanLimitMemory = true;
#endif
#else
inline constexpr bool kCanLimitMemory = true;
#endif

/// From now on this process can map no more than `bytes` on top of what it has.  For good: in a child only.
inline void limit_memory_to(std::size_t bytes)
{
    std::size_t pages = 0;
    if (!(std::ifstream("/proc/self/statm") >> pages)) throw std::runtime_error("reading /proc/self/statm");
    const auto limit = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + bytes;
    const rlimit limits{.rlim_cur = limit, .rlim_max = limit};
    if (setrlimit(RLIMIT_AS, &limits) != 0) throw std::runtime_error("limiting the address space");
}

/// How many pages the calling thread has had to be given so far.
inline long page_faults()
{
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
}

}  // namespace securelogin::support
