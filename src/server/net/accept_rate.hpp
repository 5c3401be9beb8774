// accept_rate.hpp: how many connections a source may open in a second.
//
// For each source, and for the network that it lies in (Source::network(), kNetworkShare times as much), a
// budget that refills evenly (the generic cell rate algorithm, ITU-T I.371, annex A): a burst at once, then
// so many a second.  What is refused is not charged: who comes too fast is served at the rate, not kept out.
//
// Memory is fixed: a table of kEntries, in sets of kWays, found by a keyed hash, so that nobody can choose
// whom to share a set with.  A newcomer to a full set takes the place of the entry that is nearest to being
// whole, and inherits what that one owes.  So no entry ever forgets: the least that anybody owes in a set
// only grows by that, and a source that has been pushed out comes back owing no less than it did.  What a
// flood of sources can do is to make newcomers owe, each a few milliseconds.
//
// Any thread.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "server/auth/source.hpp"

namespace securelogin::net {

inline constexpr std::size_t kNetworkShare = 8;  // what a network may have, in shares of one source

class AcceptRate {
  public:
    using Clock = std::chrono::steady_clock;
    using Key = std::array<std::uint8_t, 16>;  // random

    static constexpr std::size_t kEntries = 65536;
    static constexpr std::size_t kWays = 8;
    static constexpr std::size_t kBytes = 2 * sizeof(std::uint64_t) * kEntries;

    struct Limits {
        std::size_t per_second;  // >= 1
        std::size_t burst;       // >= 1
    };

    /// REQUIRES: `entries` is a multiple of kWays, and more than 0.  Throws std::bad_alloc, OpenSslError.
    AcceptRate(Limits limits, const Key& key, std::size_t entries = kEntries);

    /// Whether `source` may open one more connection at `now`, which never goes back; charges it if so.
    [[nodiscard]] bool take(const auth::Source& source, Clock::time_point now);

    /// Debts stay as they are.
    void set_limits(Limits limits);
    [[nodiscard]] std::uint64_t refused() const;  // so far

  private:
    /// A source's.  Whole again by `whole_at`.  Nobody's is all zeros.
    struct Entry {
        std::uint64_t source = 0;  // the keyed hash; 0: nobody's yet
        Clock::time_point whole_at = {};
    };
    static_assert(sizeof(Entry) == kBytes / kEntries);

    [[nodiscard]] std::uint64_t hash(std::string_view name);
    /// The entry of `source`, or the one that it would take the place of.
    [[nodiscard]] Entry& entry_of(std::uint64_t source);
    /// Whether one more fits into what `shares` sources may have.
    [[nodiscard]] bool has_room(std::uint64_t source, std::size_t shares, Clock::time_point now);
    void charge(std::uint64_t source, std::size_t shares, Clock::time_point now);

    struct Free {
        void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
    };
    struct FreeMemory {
        void operator()(Entry* entries) const noexcept { std::free(entries); }
    };

    const Key key_;
    mutable std::mutex mutex_;
    Limits limits_;  // guarded by mutex_, as is all below
    std::unique_ptr<EVP_MAC_CTX, Free> siphash_;
    std::unique_ptr<Entry[], FreeMemory> memory_;  // zeros that cost nothing until they are written
    std::span<Entry> entries_;                     // sets of kWays, one after the other
    std::uint64_t refused_ = 0;
};

}  // namespace securelogin::net
