#include "server/login/metrics.hpp"

#include <string_view>

#include "server/login/async_authenticator.hpp"

namespace securelogin::login {
namespace {

Metrics::NotJudged kind_of(std::string_view why) noexcept
{
    if (why == "throttled") return Metrics::NotJudged::throttled;
    if (why == "overloaded") return Metrics::NotJudged::overloaded;
    return Metrics::NotJudged::failed;  // what the store said
}

}  // namespace

void Metrics::count(Kind kind, const Outcome& outcome) noexcept
{
    auto& attempts = attempts_.at(static_cast<std::size_t>(kind));
    if (!outcome.verdict) {
        attempts.not_judged.at(static_cast<std::size_t>(kind_of(outcome.why_not_judged))).add();
    } else if (const auto& granted = outcome.verdict->granted) {
        attempts.granted.add();
        if (granted->by_recovery_code) return;  // says nothing of the clock
        const int offset = granted->code_offset + kMostOffset;
        if (offset >= 0 && offset <= 2 * kMostOffset) offsets_.at(static_cast<std::size_t>(offset)).add();
    } else if (const auto refusal = outcome.verdict->refusal) {
        const auto number = static_cast<std::size_t>(*refusal);
        if (number < kMostRefusals) attempts.refused.at(number).add();
    }
}

}  // namespace securelogin::login
