#include "server/net/accept_rate.hpp"

#include <algorithm>
#include <cassert>
#include <new>

#include "common/openssl.hpp"

namespace securelogin::net {
namespace {

using Duration = AcceptRate::Clock::duration;

/// What one connection adds to a debt.
Duration interval(const AcceptRate::Limits& limits, std::size_t shares) noexcept
{
    return Duration(std::chrono::seconds(1)) / static_cast<Duration::rep>(limits.per_second * shares);
}

/// The largest debt with which one more is let in: a whole burst fits, and no more.
Duration tolerance(const AcceptRate::Limits& limits, std::size_t shares) noexcept
{
    return interval(limits, shares) * static_cast<Duration::rep>(limits.burst * shares - 1);
}

}  // namespace

AcceptRate::AcceptRate(Limits limits, const Key& key, std::size_t entries)
    : key_(key),
      limits_(limits),
      memory_(static_cast<Entry*>(std::calloc(entries, sizeof(Entry)))),
      entries_(memory_.get(), entries)
{
    assert(entries > 0 && entries % kWays == 0);
    if (!memory_) throw std::bad_alloc();
    auto* const mac = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
    if (mac != nullptr) siphash_.reset(EVP_MAC_CTX_new(mac));
    EVP_MAC_free(mac);
    if (!siphash_) throw OpenSslError("setting up SipHash");
}

bool AcceptRate::take(const auth::Source& source, Clock::time_point now)
{
    const bool in_network = source.network() != source.bucket();
    const std::lock_guard lock(mutex_);
    const auto own = hash(source.bucket());
    const auto network = in_network ? hash(source.network()) : own;
    if (!has_room(own, 1, now) || (in_network && !has_room(network, kNetworkShare, now))) {
        ++refused_;
        return false;
    }
    charge(own, 1, now);
    if (in_network) charge(network, kNetworkShare, now);
    return true;
}

void AcceptRate::set_limits(Limits limits)
{
    const std::lock_guard lock(mutex_);
    limits_ = limits;
}

std::uint64_t AcceptRate::refused() const
{
    const std::lock_guard lock(mutex_);
    return refused_;
}

/// A hash that fails is everybody's: they share an entry, and nobody gets by.
std::uint64_t AcceptRate::hash(std::string_view name)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    std::size_t size = 0;
    const auto* const octets = reinterpret_cast<const unsigned char*>(name.data());
    auto* const mac = siphash_.get();
    if (EVP_MAC_init(mac, key_.data(), key_.size(), nullptr) != 1 ||
        EVP_MAC_update(mac, octets, name.size()) != 1 ||
        EVP_MAC_final(mac, digest.data(), &size, digest.size()) != 1) {
        return 1;
    }
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < sizeof number; ++at) number = number << 8U | digest.at(at);
    return std::max<std::uint64_t>(number, 1);
}

AcceptRate::Entry& AcceptRate::entry_of(std::uint64_t source)
{
    const auto sets = entries_.size() / kWays;
    const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(source % sets * kWays);
    const auto last = first + static_cast<std::ptrdiff_t>(kWays);
    const auto found = std::find_if(first, last, [&](const Entry& entry) { return entry.source == source; });
    if (found != last) return *found;
    return *std::min_element(
        first, last, [](const Entry& one, const Entry& other) { return one.whole_at < other.whole_at; });
}

bool AcceptRate::has_room(std::uint64_t source, std::size_t shares, Clock::time_point now)
{
    return entry_of(source).whole_at - now <= tolerance(limits_, shares);
}

void AcceptRate::charge(std::uint64_t source, std::size_t shares, Clock::time_point now)
{
    auto& entry = entry_of(source);
    entry.source = source;
    entry.whole_at = std::max(entry.whole_at, now) + interval(limits_, shares);
}

}  // namespace securelogin::net
