#include "server/auth/token_memory.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "server/auth/huge_pages.hpp"

namespace securelogin::auth {
namespace {

constexpr std::size_t kFewestSlots = 16;
constexpr std::size_t kCacheLine = 64;    // octets
constexpr std::size_t kLongestName = 27;  // of those that are remembered; who has a longer one is looked up

/// 128 bits of the hash, which is as much as anybody could find a second token for.
using Key = std::array<std::uint64_t, 2>;

/// Octets 0 to 15; a shard is told by octet 31.
Key key_of(const TokenHash& token) noexcept
{
    Key key;
    std::memcpy(key.data(), token.data(), sizeof key);
    return key;
}

/// A Time until 2106, which a clock that is to be believed does not pass.
using ShortTime = std::uint32_t;

bool is_short(Time time) noexcept { return std::in_range<ShortTime>(time.time_since_epoch().count()); }
ShortTime shorten(Time time) noexcept { return static_cast<ShortTime>(time.time_since_epoch().count()); }
Time lengthen(ShortTime time) noexcept { return Time{std::chrono::seconds{time}}; }

/// One cache line: among a million, what is waited for is the memory.
struct alignas(kCacheLine) Slot {
    Key key;
    UserId user;
    std::uint32_t session;
    ShortTime expires_at;
    ShortTime last_used_at;
    std::array<char, kLongestName> name;
    std::uint8_t name_length;  // nought: the slot is free
};
static_assert(sizeof(Slot) == kCacheLine);

constexpr std::size_t kSlotsOfPage = kHugePage / sizeof(Slot);

constexpr bool is_huge(std::size_t size) noexcept { return size > 0 && size % kHugePage == 0; }

/// Tables of many slots, which fill huge pages, have them.
template <typename T>
struct InHugePages {
    using value_type = T;

    InHugePages() = default;
    template <typename U>
    InHugePages(const InHugePages<U>& /*other*/) noexcept
    {
    }
    T* allocate(std::size_t count)
    {
        const auto size = count * sizeof(T);
        if (!is_huge(size)) return std::allocator<T>().allocate(count);
        return static_cast<T*>(map_huge_pages(size));
    }
    void deallocate(T* memory, std::size_t count) noexcept
    {
        const auto size = count * sizeof(T);
        if (!is_huge(size)) return std::allocator<T>().deallocate(memory, count);
        unmap_huge_pages(memory, size);
    }
    bool operator==(const InHugePages&) const = default;
};
using Slots = std::vector<Slot, InHugePages<Slot>>;

/// What a table of that many slots grows to: whole huge pages, where it is more than one.
constexpr std::size_t grown(std::size_t slots) noexcept
{
    const auto half_more = std::max(kFewestSlots, slots + slots / 2);
    if (half_more < kSlotsOfPage) return half_more;
    const auto quarter_more = std::max(slots + slots / 4, slots + kSlotsOfPage);
    return quarter_more / kSlotsOfPage * kSlotsOfPage;
}

/// Whether a table is too full for one more: at most 8 in 10 slots are taken.
constexpr bool is_full(std::size_t taken, std::size_t slots) noexcept { return taken * 10 >= slots * 8; }

/// Of `most` tokens that fall where they may, none of the shards gets more than this: the mean, and eight
/// standard deviations.
std::size_t share_of(std::size_t most, std::size_t shards) noexcept
{
    const double mean = static_cast<double>(most) / static_cast<double>(shards);
    return static_cast<std::size_t>(std::ceil(mean + 8 * std::sqrt(mean)));
}

}  // namespace

/// Open addressing, linear probing; what is behind a gap is nobody's.
struct alignas(kCacheLine) TokenMemory::Shard {
    /// slots, for guesses: whoever reads these holds no lock.  Apart from the mutex, whose line goes from
    /// thread to thread.
    std::atomic<const Slot*> first = nullptr;
    std::atomic<std::size_t> count = 0;

    alignas(kCacheLine) mutable std::mutex mutex;
    Slots slots;            // guarded
    std::size_t taken = 0;  // guarded

    /// Where the key is, or would be.  REQUIRES: there are slots, one of them free.
    [[nodiscard]] std::size_t place_of(const Key& key) const noexcept
    {
        auto at = home_of(key);
        while (slots[at].name_length != 0 && slots[at].key != key) at = next(at);
        return at;
    }
    [[nodiscard]] std::size_t home_of(const Key& key) const noexcept { return home_among(slots.size(), key); }
    static std::size_t home_among(std::size_t slots, const Key& key) noexcept
    {
        // The high half of a product: even for any number of slots (fewer than 2^32).
        return static_cast<std::size_t>(((key[0] >> 32U) * slots) >> 32U);
    }
    [[nodiscard]] std::size_t next(std::size_t at) const noexcept
    {
        return at + 1 == slots.size() ? 0 : at + 1;
    }

    void put(const Slot& slot)
    {
        auto& place = slots[place_of(slot.key)];
        if (place.name_length == 0) ++taken;
        place = slot;
    }
    void make_room()
    {
        if (!is_full(taken, slots.size())) return;
        Slots before(grown(slots.size()));
        before.swap(slots);
        taken = 0;
        publish();
        for (const auto& slot : before) {
            if (slot.name_length != 0) put(slot);
        }
    }
    /// The ones behind move up, so that no gap cuts them off.
    void erase(const Key& key) noexcept
    {
        if (slots.empty()) return;
        auto gap = place_of(key);
        if (slots[gap].name_length == 0) return;
        --taken;
        for (auto at = next(gap); slots[at].name_length != 0; at = next(at)) {
            const auto home = home_of(slots[at].key);
            const bool between = gap < at ? home > gap && home <= at : home > gap || home <= at;
            if (between) continue;
            slots[gap] = slots[at];
            gap = at;
        }
        slots[gap].name_length = 0;
    }
    /// The first at that place or behind it; whose keys are hashes, so it is any.  REQUIRES: there is one.
    void erase_near(const Key& key) noexcept
    {
        auto at = home_of(key);
        while (slots[at].name_length == 0) at = next(at);
        erase(Key(slots[at].key));
    }
    void clear() noexcept
    {
        slots.clear();
        taken = 0;
        publish();
    }
    void publish() noexcept
    {
        first.store(slots.data(), std::memory_order_relaxed);
        count.store(slots.size(), std::memory_order_relaxed);
    }
};

TokenMemory::TokenMemory(std::size_t most)
    : most_each_(share_of(most, kShards)), shards_(std::make_unique<std::array<Shard, kShards>>())
{
}

TokenMemory::~TokenMemory() = default;

std::size_t TokenMemory::bytes_for(std::size_t most) noexcept
{
    if (most == 0) return 0;
    const auto fullest = share_of(most, kShards);
    return kShards * grown(fullest * 10 / 8) * sizeof(Slot);
}

TokenMemory::Shard& TokenMemory::shard_of(const TokenHash& token) const noexcept
{
    return (*shards_)[token.back() % kShards];
}

void TokenMemory::keep_up(TokenReader& reader)
{
    if (done_.load() == reader.endings()) return;
    const std::lock_guard lock(keeping_up_);
    const auto until = reader.endings();  // at least as many as whoever was here before has seen
    const auto done = done_.load();
    if (until == done) return;
    const auto ended = reader.ended_since(done);  // and perhaps more than until
    begun_ = until;
    if (ended) {
        for (const auto& token : *ended) {
            auto& shard = shard_of(token);
            const std::lock_guard shard_lock(shard.mutex);
            shard.erase(key_of(token));
        }
    } else {
        for (auto& shard : *shards_) {
            const std::lock_guard shard_lock(shard.mutex);
            shard.clear();
        }
    }
    done_ = until;
}

/// By guess: where the two are not of the same moment, what is fetched is of no use, and does no harm.
void TokenMemory::expect(const TokenHash& token) const noexcept
{
    const auto& shard = shard_of(token);
    const auto* const first = shard.first.load(std::memory_order_relaxed);
    const auto home = Shard::home_among(shard.count.load(std::memory_order_relaxed), key_of(token));
    __builtin_prefetch(first + home);
    __builtin_prefetch(&shard.mutex, 1);
}

std::optional<TokenHolder> TokenMemory::recall(const TokenHash& token) const
{
    const auto& shard = shard_of(token);
    Slot slot;
    {
        const std::lock_guard lock(shard.mutex);
        if (shard.slots.empty()) return std::nullopt;
        slot = shard.slots[shard.place_of(key_of(token))];
    }
    if (slot.name_length == 0) return std::nullopt;
    auto name = UserName::parse(std::string_view(slot.name.data(), slot.name_length));
    if (!name) return std::nullopt;
    return TokenHolder{.user = slot.user,
                       .name = *std::move(name),
                       .session = session_id(slot.session),
                       .expires_at = lengthen(slot.expires_at),
                       .last_used_at = lengthen(slot.last_used_at)};
}

void TokenMemory::remember(const TokenHash& token, const FoundToken& found)
{
    const auto& [user, name, session, expires_at, last_used_at, must_change] = found.holder;
    if (must_change) return;  // until the next change, which ends the token; and there is no room for it
    const auto number = session_number(session);
    if (!number || name.str().size() > kLongestName || !is_short(expires_at) || !is_short(last_used_at))
        return;
    Slot slot{.key = key_of(token),
              .user = user,
              .session = *number,
              .expires_at = shorten(expires_at),
              .last_used_at = shorten(last_used_at),
              .name = {},
              .name_length = static_cast<std::uint8_t>(name.str().size())};
    std::ranges::copy(name.str(), slot.name.begin());
    auto& shard = shard_of(token);
    const std::lock_guard lock(shard.mutex);
    // Whoever has begun to forget may have been here already.
    if (found.as_of < begun_.load()) return;
    if (shard.taken >= most_each_) shard.erase_near(slot.key);
    shard.make_room();
    shard.put(slot);
}

void TokenMemory::use(const TokenHash& token, Time at)
{
    auto& shard = shard_of(token);
    const std::lock_guard lock(shard.mutex);
    if (shard.slots.empty()) return;
    auto& slot = shard.slots[shard.place_of(key_of(token))];
    if (slot.name_length != 0 && is_short(at)) slot.last_used_at = std::max(slot.last_used_at, shorten(at));
}

}  // namespace securelogin::auth
