// device.hpp: a key that a user's client keeps, as the server remembers it.
//
// A device is told by the SHA-256 of its public key (DER SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7),
// the private part of which it has proved to hold in the TLS handshake (RFC 8446 section 4.4.3).  It is
// remembered for a user after a login of that user's.  A device is no factor: it makes no yes out of a no.
// Pure values; any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/auth/clock.hpp"

namespace securelogin::auth {

using DeviceFingerprint = std::array<std::uint8_t, 32>;

struct Device {
    DeviceFingerprint fingerprint;
    Time first_seen;     // the login that made it known
    Time last_seen;      // the last login with it
    std::string source;  // of that: Source::address()
};

inline constexpr std::size_t kMostDevices = 16;             // a user's; the one unused for longest goes
inline constexpr std::chrono::days kDevicesForgotten{400};  // unused for as long

/// `SHA256:` and base64 without padding, as servers' fingerprints are written (common/certificate.hpp).
[[nodiscard]] std::string to_string(const DeviceFingerprint& fingerprint);

/// The first 12 characters of the base64 (72 bits), as lists and logs show it.
[[nodiscard]] std::string short_form(const DeviceFingerprint& fingerprint);

/// Whether a person means this one by `text`: either form above, or at least the first 8 characters of the
/// base64, with or without `SHA256:` and padding.
[[nodiscard]] bool is_named_by(const DeviceFingerprint& fingerprint, std::string_view text);

}  // namespace securelogin::auth
