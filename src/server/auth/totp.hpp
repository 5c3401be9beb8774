// totp.hpp: time-based one-time passwords (RFC 6238, over RFC 4226) and the key URI that enrols them.
//
// Codes are computed by liboath.  Pure but for the CSPRNG handed in; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/secret.hpp"
#include "server/auth/clock.hpp"

namespace securelogin::auth {

enum class TotpAlgorithm { sha1, sha256, sha512 };

/// `sha1`, `sha256`, `sha512`: as on the command line and in the database.
[[nodiscard]] std::string_view to_string(TotpAlgorithm algorithm) noexcept;
[[nodiscard]] std::optional<TotpAlgorithm> parse_totp_algorithm(std::string_view text) noexcept;

struct TotpParameters {
    TotpAlgorithm algorithm = TotpAlgorithm::sha1;
    int digits = 6;                   // 6 or 8
    std::chrono::seconds period{30};  // 10 s to 300 s

    friend bool operator==(const TotpParameters&, const TotpParameters&) = default;
};

using TimeStep = std::int64_t;  // RFC 6238 section 4.2: T = floor(unix time / period)

/// What a code is, for this secret at this moment.
struct CodeMatch {
    bool matches = false;               // it is the code of a step in the window
    std::optional<TimeStep> step = {};  // the earliest such step that is newer than the last one accepted
    int offset = 0;                     // of `step`, in steps from now: later ones are positive
};

/// Compares with every step of `window` on each side of now, in constant time, and never stops early.
/// Exactly `digits` ASCII digits can match, nothing else: nothing is trimmed.
/// `last_step` is the last step accepted for this secret: what matches only steps up to it is a replay.
[[nodiscard]] CodeMatch match_code(const Secret& secret, const TotpParameters& parameters,
                                   std::string_view code, Time now, int window, TimeStep last_step);

/// A fresh secret as long as the algorithm's hash (RFC 4226 section 4, R6; 20, 32 or 64 bytes).
[[nodiscard]] Secret generate_totp_secret(TotpAlgorithm algorithm, Random& random);

/// RFC 4648 section 6, without padding.
[[nodiscard]] Secret to_base32(const Secret& secret);

/// `otpauth://totp/ISSUER:NAME?secret=...&issuer=ISSUER` (Google Authenticator's key URI format),
/// percent-encoded, blanks as %20; algorithm, digits and period only where they are not the defaults, so that
/// the QR code stays small.
[[nodiscard]] Secret key_uri(std::string_view issuer, std::string_view name, const Secret& secret,
                             const TotpParameters& parameters);

/// How many wrong codes after a right password an enrolment bears in its life: floor(3.1e-4 * 10^digits / (2
/// window + 1)), so that the chance of ever guessing one stays below 3.1e-4.
[[nodiscard]] int lifetime_limit(int digits, int window) noexcept;

}  // namespace securelogin::auth
