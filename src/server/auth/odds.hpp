// odds.hpp: what the rules for failures leave to somebody who guesses.
//
// How many guesses are judged, and so, divided by the number of possibilities, the chance of a right one.
// Pure; any thread.  tests/server/auth/odds_test.cpp plays the attacks against the authenticator and
// compares.
#pragma once

#include <chrono>
#include <cstdint>

#include "server/auth/ceiling.hpp"
#include "server/auth/waits.hpp"

namespace securelogin::auth {

/// Passwords that one source may try for one name within `time`, from its first try on.
[[nodiscard]] std::int64_t guesses_of_one_source(const WaitPolicy& policy,
                                                 std::chrono::seconds time) noexcept;

/// Passwords that strangers may try for one name within `time`, however many sources they have.
[[nodiscard]] std::int64_t guesses_of_strangers(const CeilingPolicy& policy,
                                                std::chrono::seconds time) noexcept;

/// The chance that an enrolment's code is ever guessed by somebody who has the password.
[[nodiscard]] double odds_of_a_code(int digits, int window) noexcept;

}  // namespace securelogin::auth
