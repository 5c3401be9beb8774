// waits.hpp: how long must a (name, source) wait before its next attempt is judged?
//
// Pure policy: no clock, no database, no locking.  The caller passes the time in and stores what comes back,
// so each rule is a comparison of two values.
//   failure 1..free  ->  no wait
//   failure free+k   ->  wait first_wait * 2^(k-1), at most longest_wait
//   an attempt during a wait is refused unjudged and changes nothing
//   success          ->  Failures{}; the lifetime count lives elsewhere, untouched
//
// Failures are counted per factor, and the wait follows from their sum: were each factor to bring its own
// wait, the wait after a refusal would tell which factor was wrong
// (docs/decisions/0006-one-wait-for-both-factors.md).
//
// Two attempts do race: read, decide and write in ONE transaction.
#pragma once

#include <chrono>
#include <optional>

#include "server/auth/clock.hpp"

namespace securelogin::auth {

struct WaitPolicy {
    int free = 4;  // refused attempts that cost no wait
    std::chrono::seconds first_wait{1};
    std::chrono::seconds longest_wait{900};
};

enum class Factor { password, code };

struct Failures {
    int password = 0;
    int code = 0;
    std::optional<Time> wait_until = {};  // attempts are judged again from this moment on

    friend bool operator==(const Failures&, const Failures&) = default;
};

/// One more failure of `factor` at `now`.
[[nodiscard]] Failures after_failure(Failures failures, Factor factor, const WaitPolicy& policy,
                                     Time now) noexcept;

/// A failure of the password that was charged before the check and proved to be none: takes it back, wait
/// included, as though it had never been charged.  REQUIRES: failures.password > 0.
[[nodiscard]] Failures without_charge(Failures failures) noexcept;

/// The same failures, the wait counted from `now`: what a refusal leaves behind, whichever factor failed.
[[nodiscard]] Failures wait_from(Failures failures, const WaitPolicy& policy, Time now) noexcept;

/// The same failures, with a wait that no failure can have brought, for the clock has been set back since,
/// cut to longest_wait.  Save it, so that the wait ends.
[[nodiscard]] Failures with_possible_wait(Failures failures, const WaitPolicy& policy, Time now) noexcept;

/// How long until the next attempt is judged; nothing when it is judged now.  Never more than longest_wait.
[[nodiscard]] std::optional<std::chrono::seconds> remaining_wait(const Failures& failures,
                                                                 const WaitPolicy& policy, Time now) noexcept;

}  // namespace securelogin::auth
