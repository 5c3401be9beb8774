#include "server/net/slots.hpp"

namespace securelogin::net {

std::optional<Slots::Slot> Slots::take(const auth::Source& source)
{
    const std::lock_guard lock(mutex_);
    ++refused_;  // until it is given
    if (taken_ >= limits_.in_all) return std::nullopt;
    const auto [entry, is_new] = per_source_.try_emplace(source.bucket(), 0);
    if (entry->second >= limits_.per_source) {
        if (is_new) per_source_.erase(entry);
        return std::nullopt;
    }
    ++entry->second;
    ++taken_;
    ++given_;
    --refused_;
    return Slot(*this, source.bucket());
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

void Slots::give_back(const std::string& bucket) noexcept
{
    const std::lock_guard lock(mutex_);
    --taken_;
    const auto entry = per_source_.find(bucket);
    if (--entry->second == 0) per_source_.erase(entry);
}

}  // namespace securelogin::net
