// ceiling.hpp: how many wrong passwords a name takes from strangers, however many sources they have.
//
// A budget that refills evenly (the generic cell rate algorithm, ITU-T I.371, annex A): `failures` of them at
// once, one more each per/failures.  All that has to be kept is one moment, when the budget is whole again;
// for a name that nobody tries there is nothing to keep.
//
// Pure policy, as in waits.hpp.
#pragma once

#include <chrono>
#include <optional>

#include "server/auth/clock.hpp"

namespace securelogin::auth {

struct CeilingPolicy {
    int failures = 100;               // >= 1
    std::chrono::seconds per{86400};  // >= failures
};

/// When the budget of a name is whole again; nothing: it is whole.
using WholeAgain = std::optional<Time>;

/// The same, but no later than a full period from now: later can only be the trace of a clock that has been
/// set back since.  Save it, so that the budget refills.
[[nodiscard]] WholeAgain with_possible_moment(WholeAgain whole_again, const CeilingPolicy& policy,
                                              Time now) noexcept;

/// One more wrong password, or one that is charged before it is checked.
[[nodiscard]] WholeAgain with_charge(WholeAgain whole_again, const CeilingPolicy& policy, Time now) noexcept;

/// Takes a charge back.
[[nodiscard]] WholeAgain without_charge(WholeAgain whole_again, const CeilingPolicy& policy,
                                        Time now) noexcept;

/// How long until there is something in the budget; nothing when there is.  Never more than `per`: a clock
/// that was set back keeps nobody out for longer.
[[nodiscard]] std::optional<std::chrono::seconds> time_to_refill(WholeAgain whole_again,
                                                                 const CeilingPolicy& policy,
                                                                 Time now) noexcept;

/// A budget that is whole again after this moment has nothing left at `now`.
[[nodiscard]] Time reached_after(const CeilingPolicy& policy, Time now) noexcept;

}  // namespace securelogin::auth
