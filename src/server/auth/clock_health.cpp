#include "server/auth/clock_health.hpp"

#include <cstdlib>

namespace securelogin::auth {
namespace {

constexpr std::size_t kFewest = 10;  // codes that a judgement can be made on

}  // namespace

void ClockHealth::add(const Account& account)
{
    if (!account.totp || !account.last_login || account.password_set_at > account.last_login->at) return;
    const auto at = account.last_login->at;
    const auto step_then = at.time_since_epoch() / account.totp->parameters.period;
    const auto offset = account.totp->last_step - step_then;
    if (std::abs(offset) > window_) return;
    offsets_.emplace(at, offset);
    if (offsets_.size() > kLatest) offsets_.erase(offsets_.begin());
}

ClockHealth::Counts ClockHealth::counts() const
{
    Counts counts{.codes = offsets_.size()};
    for (const auto& [at, offset] : offsets_) {
        if (offset == 0) ++counts.current;
        if (offset < 0) ++counts.earlier;
        if (offset > 0) ++counts.later;
    }
    return counts;
}

std::string describe(const ClockHealth::Counts& counts)
{
    if (counts.codes == 0) return "no code accepted yet";
    auto text = std::to_string(counts.current) + " of " + std::to_string(counts.codes) +
                " codes were of the current step";
    if (counts.codes < kFewest) return text;
    const std::string remedy = ": synchronize it (timedatectl set-ntp true, or chrony)";
    if (2 * counts.earlier > counts.codes) {
        text +=
            "; " + std::to_string(counts.earlier) + " were of an earlier one: this server's clock is fast";
        return text + remedy;
    }
    if (2 * counts.later > counts.codes) {
        text += "; " + std::to_string(counts.later) + " were of a later one: this server's clock is slow";
        return text + remedy;
    }
    return text;
}

}  // namespace securelogin::auth
