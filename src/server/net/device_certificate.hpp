// device_certificate.hpp: the certificate by which a client shows its device (docs/protocol.md).
//
// Nobody but its owner has signed it, and nothing of it counts but the public key: that the client holds the
// private one is proved by the handshake (CertificateVerify, RFC 8446 section 4.4.3; RFC 5246 section 7.4.8).
// Names, dates, extensions and the certificate's own signature are not looked at.
#pragma once

#include <openssl/ssl.h>

#include <optional>

#include "server/auth/device.hpp"

namespace securelogin::net {

/// Octets of a client's Certificate message: a self-signed one needs some 300; longer ones are refused by
/// their length, before they are read.
inline constexpr long kLongestDeviceCertificate = 4096;

/// Makes the context ask its clients for one.  A client that has none is served all the same.  One that is no
/// single certificate with a P-256 or Ed25519 key, each in its usual form, ends the handshake with an alert.
/// Throws OpenSslError.
void ask_for_device_certificate(SSL_CTX& context);

/// What the client of a finished handshake has proved to hold; nothing when it has shown none.
/// Throws OpenSslError.
[[nodiscard]] std::optional<auth::DeviceFingerprint> device_of(const SSL& ssl);

}  // namespace securelogin::net
