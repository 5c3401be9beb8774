#include "server/net/device_certificate.hpp"

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <string_view>

#include "common/certificate.hpp"
#include "common/openssl.hpp"

namespace securelogin::net {
namespace {

using namespace std::string_view_literals;

// How a SubjectPublicKeyInfo starts, its length included, up to the key's own octets.  One form for each kind
// of key: one that could be written in two ways (a compressed point, explicit parameters) would be two
// devices.

/// RFC 5480: id-ecPublicKey, secp256r1, an uncompressed point.
constexpr auto kP256 =
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"sv;
/// RFC 8410.
constexpr auto kEd25519 = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"sv;

bool has_device_key(const X509& certificate)
{
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
    if (size <= 0) return false;
    const std::string_view key(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    const bool good = key.starts_with(kP256) || key.starts_with(kEd25519);
    OPENSSL_free(der);
    return good;
}

/// In the place of OpenSSL's own judgement, which would look for somebody to vouch for the certificate.
int judge(X509_STORE_CTX* shown, void* /*argument*/)
{
    const auto* const certificate = X509_STORE_CTX_get0_cert(shown);
    const auto* const all = X509_STORE_CTX_get0_untrusted(shown);  // that one among them
    const bool good = certificate != nullptr && sk_X509_num(all) == 1 && has_device_key(*certificate);
    X509_STORE_CTX_set_error(shown, good ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return good ? 1 : 0;
}

}  // namespace

void ask_for_device_certificate(SSL_CTX& context)
{
    // Not FAIL_IF_NO_PEER_CERT: a device is nobody's duty.
    SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(&context, judge, nullptr);
    SSL_CTX_set_max_cert_list(&context, kLongestDeviceCertificate);
    // A client whose certificate is of another kind, made for something else, learns here that it need not
    // show it.
    if (SSL_CTX_set1_client_sigalgs_list(&context, "ECDSA+SHA256:ed25519") != 1) {
        throw OpenSslError("setting what device certificates may be signed with");
    }
}

std::optional<auth::DeviceFingerprint> device_of(const SSL& ssl)
{
    const X509* const certificate = SSL_get0_peer_certificate(&ssl);
    if (certificate == nullptr) return std::nullopt;
    return key_digest(*certificate);
}

}  // namespace securelogin::net
