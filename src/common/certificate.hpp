// certificate.hpp: a certificate as both ends name it: a server's, or a client's device.
//
// A fingerprint is `SHA256:` and the base64, without padding, of the SHA-256 of the certificate's DER
// SubjectPublicKeyInfo (RFC 7469 section 2.4): it stays the same when a certificate is renewed with its key.
// Any thread, as long as no other changes the same certificate.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/openssl.hpp"

namespace securelogin {

/// SHA-256 of the DER SubjectPublicKeyInfo.
using KeyDigest = std::array<std::uint8_t, 32>;

/// Throws OpenSslError.
[[nodiscard]] KeyDigest key_digest(const X509& certificate);

/// Throws OpenSslError.
[[nodiscard]] std::string fingerprint(const X509& certificate);

/// The same fingerprint in the form that fingerprint() gives it: padding is dropped.
/// Nothing when `text` is not SHA256: and 32 bytes in base64.
[[nodiscard]] std::optional<std::string> normalize_fingerprint(std::string_view text);

/// notAfter.  Throws OpenSslError when it cannot be read.
[[nodiscard]] std::chrono::sys_seconds expiry(const X509& certificate);

/// The first certificate of a PEM file.  Throws std::runtime_error that names the file and why.
[[nodiscard]] X509Ptr read_certificate(const std::filesystem::path& file);

}  // namespace securelogin
