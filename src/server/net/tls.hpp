// tls.hpp: TLS on the server (RFC 8446, RFC 9325): versions, ciphers, ALPN, certificate.
#pragma once

#include <filesystem>
#include <string>

#include "common/openssl.hpp"

namespace securelogin::net {

struct TlsFiles {
    std::filesystem::path certificate;  // PEM, the chain after the certificate
    std::filesystem::path key;          // PEM
};

/// What is spoken inside.  `lines` asks for a device's certificate (device_certificate.hpp), a browser is
/// asked for none.
enum class Spoken { lines, http };

/// TLS 1.3, with 1.2 (AEAD, forward secret) on request; no 0-RTT, renegotiation, compression, tickets or
/// session cache; ALPN `slp/1`, or `http/1.1`, is required of a client that sends ALPN.  Throws
/// std::runtime_error that names the file and why.
[[nodiscard]] SslContextPtr make_server_context(const TlsFiles& files, bool allow_tls12,
                                                Spoken spoken = Spoken::lines);

/// The fingerprint of the certificate that a context presents.
[[nodiscard]] std::string presented_fingerprint(const SSL_CTX& context);

/// One connection's side, waiting for a client.  Throws OpenSslError.
[[nodiscard]] SslPtr accept_side(SSL_CTX& context);

}  // namespace securelogin::net
