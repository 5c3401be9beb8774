#include "server/net/slots.hpp"

#include "server/net/accept_rate.hpp"

namespace securelogin::net {
namespace {

std::size_t open_of(const std::map<std::string, std::size_t>& per_source, const std::string& name)
{
    const auto entry = per_source.find(name);
    return entry == per_source.end() ? 0 : entry->second;
}

}  // namespace

std::optional<Slots::Slot> Slots::take(const auth::Source& source, Bound bound)
{
    const std::lock_guard lock(mutex_);
    ++refused_;  // until it is given
    if (taken_ >= limits_.in_all) return std::nullopt;
    const auto& bucket = source.bucket();
    const auto& network = source.network();
    // Who comes some other way than through the proxy finds a place as well.
    if (bound == Bound::all && open_of(per_source_, bucket) >= limits_.in_all - limits_.in_all / 4)
        return std::nullopt;
    if (bound == Bound::source_and_all) {
        if (open_of(per_source_, bucket) >= limits_.per_source) return std::nullopt;
        if (open_of(per_source_, network) >= limits_.per_source * kNetworkShare) return std::nullopt;
    }
    const auto of_bucket = per_source_.try_emplace(bucket).first;
    auto of_network = of_bucket;
    try {
        of_network = per_source_.try_emplace(network).first;
    } catch (...) {
        if (of_bucket->second == 0) per_source_.erase(of_bucket);
        throw;
    }
    ++of_bucket->second;
    if (of_network != of_bucket) ++of_network->second;
    ++taken_;
    ++given_;
    --refused_;
    return Slot(*this, of_bucket, of_network);
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

void Slots::give_back(Slot::Entry bucket, Slot::Entry network) noexcept
{
    const std::lock_guard lock(mutex_);
    --taken_;
    if (network != bucket) take_one_of(network);
    take_one_of(bucket);
}

void Slots::take_one_of(Slot::Entry entry) noexcept
{
    if (--entry->second == 0) per_source_.erase(entry);
}

}  // namespace securelogin::net
