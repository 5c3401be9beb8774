// password_policy.hpp: may this be somebody's password?
//
// docs/security.md, "Passwords": 8 to 256 code points after NFC (RFC 8265 OpaqueString), no composition rule,
// and at least 10^8 guesses by the estimator (zxcvbn, which knows common passwords, keyboard walks, dates and
// the words given to it).  Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/secret.hpp"
#include "server/auth/clock.hpp"

namespace securelogin::auth {

inline constexpr std::size_t kShortestPassword = 8;   // code points
inline constexpr std::size_t kLongestPassword = 256;  // code points
inline constexpr double kFewestGuesses = 1e8;         // by the estimator

/// A password as it is hashed and compared (RFC 8265 section 4.2.2): every kind of blank as U+0020, NFC;
/// nothing when it is not UTF-8 or too long to be anyone's. Used at set and at verify alike.
[[nodiscard]] std::optional<Secret> prepare_password(std::string_view typed);

/// Why `password` (prepared) is refused, as a sentence for its owner; nothing when it is good.
/// `context` are words an attacker would try first: the user's name, the product's, the host's.  The
/// estimator is given the first 48 octets: its time grows fast with the length, and what is longer is judged
/// by its start.
[[nodiscard]] std::optional<std::string> why_refused(const Secret& password,
                                                     std::span<const std::string> context);

/// A password of about 100 bits that can be read out over the telephone: lower-case letters and digits
/// without the ones that look alike, in groups with hyphens.
[[nodiscard]] Secret generate_password(Random& random);

}  // namespace securelogin::auth
