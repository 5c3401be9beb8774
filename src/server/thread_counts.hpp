// thread_counts.hpp: how many threads the daemon has for each kind of work.  Any thread.
#pragma once

#include <cstddef>

#include "server/config.hpp"

namespace securelogin {

/// Of this machine; >= 1.
[[nodiscard]] std::size_t cores() noexcept;

struct ThreadCounts {
    std::size_t hash;
    std::size_t io;      // of the line protocol
    std::size_t verify;  // of the verify socket, if there is one
    std::size_t web;     // of the browsers' door, if there is one
};

/// What the settings say; for those that say 0, what suits a machine of so many cores.
[[nodiscard]] ThreadCounts thread_counts(const Settings& settings, std::size_t cores) noexcept;

}  // namespace securelogin
