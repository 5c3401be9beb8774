#include "server/web/under_way.hpp"

#include <algorithm>
#include <utility>

namespace securelogin::web {

void EnrolmentsUnderWay::keep(std::string id, Enrolment enrolment, std::string_view cookie)
{
    const auto now = Clock::now();
    Kept kept{.id = std::move(id),
              .cookie = auth::TokenHasher()(cookie),
              .enrolment = std::move(enrolment),
              .until = now + kLifetime};
    const std::lock_guard lock(mutex_);
    forget_old(now);
    kept_.push_back(std::move(kept));
}

EnrolmentsUnderWay::Enrolment EnrolmentsUnderWay::take(std::string_view id, std::string_view cookie)
{
    const auto whose = auth::TokenHasher()(cookie);
    const std::lock_guard lock(mutex_);
    forget_old(Clock::now());
    const auto is_it = [&](const Kept& kept) { return kept.id == id && kept.cookie == whose; };
    const auto found = std::ranges::find_if(kept_, is_it);
    if (found == kept_.end()) return nullptr;
    auto enrolment = std::move(found->enrolment);
    kept_.erase(found);
    return enrolment;
}

void EnrolmentsUnderWay::forget_old(Clock::time_point now)
{
    std::erase_if(kept_, [now](const Kept& kept) { return kept.until <= now; });
    while (kept_.size() >= kMost) kept_.pop_front();
}

}  // namespace securelogin::web
