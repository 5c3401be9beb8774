#include "common/certificate.hpp"

#include <openssl/pem.h>

#include <ctime>

#include "common/base64.hpp"

namespace securelogin {
namespace {

constexpr std::string_view kPrefix = "SHA256:";

}  // namespace

KeyDigest key_digest(const X509& certificate)
{
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
    if (size <= 0) throw OpenSslError("reading a certificate's public key");
    KeyDigest digest{};
    const int hashed =
        EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    if (hashed != 1) throw OpenSslError("hashing a certificate's public key");
    return digest;
}

std::string fingerprint(const X509& certificate)
{
    return std::string(kPrefix) + to_base64(key_digest(certificate));
}

std::optional<std::string> normalize_fingerprint(std::string_view text)
{
    if (!text.starts_with(kPrefix)) return std::nullopt;
    const auto digest = from_base64(text.substr(kPrefix.size()));
    if (!digest || digest->size() != std::tuple_size_v<KeyDigest>) return std::nullopt;
    return std::string(kPrefix) + to_base64(digest->bytes());
}

std::chrono::sys_seconds expiry(const X509& certificate)
{
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &parts) != 1) {
        throw OpenSslError("reading a certificate's expiry");
    }
    return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

X509Ptr read_certificate(const std::filesystem::path& file)
{
    const auto doing = "reading the certificate " + file.string();
    const BioPtr bio(BIO_new_file(file.c_str(), "r"));
    if (!bio) throw OpenSslError(doing);
    X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) throw OpenSslError(doing);
    return certificate;
}

}  // namespace securelogin
