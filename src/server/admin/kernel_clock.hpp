// kernel_clock.hpp: what the kernel says of its clock, whichever program sets it.
#pragma once

#include <sys/timex.h>

namespace securelogin::admin {

/// The rule of systemd's timedatectl.
[[nodiscard]] inline bool clock_synchronized() noexcept
{
    constexpr long worst_error = 16'000'000;  // microseconds: what the kernel says when nobody sets it
    timex state{};
    return adjtimex(&state) >= 0 && state.maxerror < worst_error;
}

}  // namespace securelogin::admin
