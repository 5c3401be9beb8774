#include "server/thread_counts.hpp"

#include <algorithm>
#include <thread>

namespace securelogin {

std::size_t cores() noexcept { return std::max(1U, std::thread::hardware_concurrency()); }

ThreadCounts thread_counts(const Settings& settings, std::size_t cores) noexcept
{
    const auto unless_zero = [](std::size_t number, std::size_t otherwise) {
        return number != 0 ? number : otherwise;
    };
    const auto io = unless_zero(settings.threads.io, cores);
    return {.hash = unless_zero(settings.threads.hash, cores),
            .io = io,
            .verify = io,
            // docs/decisions/0039-fewer-threads-at-the-browsers-door.md
            .web = unless_zero(settings.threads.io, (cores + 1) / 2)};
}

}  // namespace securelogin
