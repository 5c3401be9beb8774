// memory_bound.hpp: the most memory of its own (RssAnon, proc(5)) that a daemon with these settings takes,
// whatever is done to it from outside.
//
// A sum of what each limit allows at its worst: every connection open, each with half a record in OpenSSL's
// buffers on the way in and on the way out; every handshake that may be under way with the longest
// ClientHello that OpenSSL takes; every place in the hash queue taken.  Files that are mapped are not in it:
// the kernel takes those back.  Not in it either: hashes made with larger parameters than the settings',
// until they are renewed.  tests/attack/slow_peers.py holds the daemon to it.  Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/config.hpp"

namespace securelogin {

/// In bytes.
struct MemoryBound {
    std::uint64_t base;         // code's data, threads, caches of the database, secrets, log
    std::uint64_t hash_arenas;  // what the hash threads hold for good
    std::uint64_t connections;
    std::uint64_t handshakes;
    std::uint64_t hash_queue;
    std::uint64_t tables;

    [[nodiscard]] std::uint64_t total() const noexcept
    {
        return base + hash_arenas + connections + handshakes + hash_queue + tables;
    }
};

/// `cores`: for thread_counts(); >= 1.
[[nodiscard]] MemoryBound memory_bound(const Settings& settings, std::size_t cores) noexcept;

}  // namespace securelogin
