#include "server/web/under_way.hpp"

#include <algorithm>
#include <utility>

namespace securelogin::web {

void EnrolmentsUnderWay::keep(std::string id, Purpose purpose, Enrolment enrolment, std::string_view cookie)
{
    const auto now = Clock::now();
    auto source = enrolment->guest().source.network();
    Kept kept{.id = std::move(id),
              .purpose = purpose,
              .cookie = auth::TokenHasher()(cookie),
              .source = std::move(source),
              .enrolment = std::move(enrolment),
              .until = now + kLifetime};
    const std::lock_guard lock(mutex_);
    forget_old(now);
    make_room(kept.source);
    kept_.push_back(std::move(kept));
}

EnrolmentsUnderWay::Enrolment EnrolmentsUnderWay::take(std::string_view id, Purpose purpose,
                                                       std::string_view cookie)
{
    const auto whose = auth::TokenHasher()(cookie);
    const std::lock_guard lock(mutex_);
    forget_old(Clock::now());
    const auto is_it = [&](const Kept& kept) {
        return kept.id == id && kept.purpose == purpose && kept.cookie == whose;
    };
    const auto found = std::ranges::find_if(kept_, is_it);
    if (found == kept_.end()) return nullptr;
    auto enrolment = std::move(found->enrolment);
    kept_.erase(found);
    return enrolment;
}

void EnrolmentsUnderWay::forget_old(Clock::time_point now)
{
    std::erase_if(kept_, [now](const Kept& kept) { return kept.until <= now; });
}

/// Whoever begins many pushes out the own ones first.
void EnrolmentsUnderWay::make_room(const std::string& source)
{
    const auto is_its = [&](const Kept& kept) { return kept.source == source; };
    if (std::ranges::count_if(kept_, is_its) >= static_cast<std::ptrdiff_t>(kMostOfSource)) {
        kept_.erase(std::ranges::find_if(kept_, is_its));
    }
    if (kept_.size() >= kMost) kept_.pop_front();
}

}  // namespace securelogin::web
