#include "server/net/slots.hpp"

#include "server/net/accept_rate.hpp"

namespace securelogin::net {
namespace {

std::size_t open_of(const std::map<std::string, std::size_t>& per_source, const std::string& name)
{
    const auto entry = per_source.find(name);
    return entry == per_source.end() ? 0 : entry->second;
}

void take_one_of(std::map<std::string, std::size_t>& per_source, const std::string& name) noexcept
{
    const auto entry = per_source.find(name);
    if (--entry->second == 0) per_source.erase(entry);
}

}  // namespace

std::optional<Slots::Slot> Slots::take(const auth::Source& source)
{
    const std::lock_guard lock(mutex_);
    ++refused_;  // until it is given
    if (taken_ >= limits_.in_all) return std::nullopt;
    const auto& bucket = source.bucket();
    const auto& network = source.network();
    if (open_of(per_source_, bucket) >= limits_.per_source) return std::nullopt;
    if (open_of(per_source_, network) >= limits_.per_source * kNetworkShare) return std::nullopt;
    // What may throw comes before anything is counted.
    auto own_bucket = bucket;
    auto own_network = network;
    auto& of_bucket = per_source_[bucket];
    auto& of_network = per_source_[network];
    ++of_bucket;
    if (&of_network != &of_bucket) ++of_network;
    ++taken_;
    ++given_;
    --refused_;
    return Slot(*this, std::move(own_bucket), std::move(own_network));
}

void Slots::set_limits(Limits limits)
{
    const std::lock_guard lock(mutex_);
    limits_ = limits;
}

std::size_t Slots::taken() const
{
    const std::lock_guard lock(mutex_);
    return taken_;
}

Slots::Counts Slots::counts() const
{
    const std::lock_guard lock(mutex_);
    return {.taken = taken_, .given = given_, .refused = refused_};
}

void Slots::give_back(const std::string& bucket, const std::string& network) noexcept
{
    const std::lock_guard lock(mutex_);
    --taken_;
    take_one_of(per_source_, bucket);
    if (network != bucket) take_one_of(per_source_, network);
}

}  // namespace securelogin::net
