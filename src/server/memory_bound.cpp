#include "server/memory_bound.hpp"

#include <algorithm>

#include "server/auth/hash_arena.hpp"
#include "server/auth/token_memory.hpp"
#include "server/net/accept_rate.hpp"
#include "server/thread_counts.hpp"
#include "server/verify/limits.hpp"

namespace securelogin {
namespace {

constexpr std::uint64_t kKib = 1024;
constexpr std::uint64_t kMib = 1024 * kKib;

// Measured, and rounded up: docs/architecture.md, "Memory, and what bounds it".
constexpr std::uint64_t kBase = 24 * kMib;
constexpr std::uint64_t kThread =
    512 * kKib;  // stack, OpenSSL's and malloc's state, a reader of the database
constexpr std::uint64_t kConnection = 56 * kKib;  // TLS, a record each way, a line, a device's certificate
constexpr std::uint64_t kHandshake = 192 * kKib;  // a ClientHello of 131,396 octets, which OpenSSL takes
constexpr std::uint64_t kHashQueuePlace = 4 * kKib;
constexpr std::uint64_t kVerifyConnection = 16 * kKib;  // questions, answers, the socket's state
constexpr std::uint64_t kWebConnection = 128 * kKib;    // a request, a page, and what both are made of
constexpr std::uint64_t kWebTables = 8192 * kKib;       // templates; enrolments under way

}  // namespace

MemoryBound memory_bound(const Settings& settings, std::size_t cores) noexcept
{
    const auto threads = thread_counts(settings, cores);
    const auto& limits = settings.limits;
    const auto asked = settings.listen.verify
                           ? threads.verify * kThread + verify::kMostConnections * kVerifyConnection +
                                 auth::TokenMemory::bytes_for(limits.tokens_remembered)
                           : 0;
    const bool has_web = !settings.listen.web.empty() || !settings.listen.web_plain.empty();
    const auto browsed =
        has_web ? threads.web * kThread + kWebTables + auth::TokenMemory::bytes_for(limits.tokens_remembered)
                : 0;
    return {.base = kBase + (threads.hash + threads.io) * kThread + asked + browsed,
            .hash_arenas = threads.hash * auth::HashArena::size_for(settings.policy.hash),
            .connections = limits.connections * (kConnection + (has_web ? kWebConnection : 0)),
            .handshakes = std::min(limits.handshakes, limits.connections) * kHandshake,
            .hash_queue = std::max(limits.hash_queue, threads.hash) * kHashQueuePlace,
            .tables = net::AcceptRate::kBytes};
}

}  // namespace securelogin
