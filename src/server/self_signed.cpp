#include "server/self_signed.hpp"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include "common/certificate.hpp"
#include "server/data_directory.hpp"
#include "server/durable_file.hpp"

namespace securelogin {
namespace {

constexpr auto kLifetime = std::chrono::days(365);
constexpr auto kRenewBefore = std::chrono::days(30);
constexpr auto kBackdated = std::chrono::hours(24);  // clients' clocks are not all right
constexpr unsigned kPrivateMode = 0600;

std::string contents(BIO& bio)
{
    char* data = nullptr;
    const auto size = BIO_get_mem_data(&bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

PkeyPtr read_key(const std::filesystem::path& file)
{
    require_private(file);
    const BioPtr bio(BIO_new_file(file.c_str(), "r"));
    require(bio != nullptr, "reading the private key " + file.string());
    PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    require(key != nullptr, "reading the private key " + file.string());
    return key;
}

PkeyPtr make_key(const std::filesystem::path& file)
{
    PkeyPtr key(EVP_EC_gen("P-256"));
    require(key != nullptr, "making a private key");
    const BioPtr bio(BIO_new(BIO_s_secmem()));
    require(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                                 nullptr) == 1,
            "writing a private key");
    auto pem = contents(*bio);
    write_durably(file, pem, kPrivateMode);
    wipe(pem);
    return key;
}

void add_extension(X509& certificate, int nid, const std::string& value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    const bool added = extension != nullptr && X509_add_ext(&certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    require(added, "adding an extension to a certificate");
}

bool is_address(const std::string& name)
{
    std::array<unsigned char, sizeof(in6_addr)> parsed{};
    return inet_pton(AF_INET, name.c_str(), parsed.data()) == 1 ||
           inet_pton(AF_INET6, name.c_str(), parsed.data()) == 1;
}

void set_serial(X509& certificate)
{
    std::array<unsigned char, 16> bytes{};  // CA/Browser Forum: 64 random bits or more
    require(RAND_bytes(bytes.data(), bytes.size()) == 1, "drawing a serial number");
    bytes[0] &= 0x7FU;
    BIGNUM* const number = BN_bin2bn(bytes.data(), bytes.size(), nullptr);
    const bool set =
        number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(&certificate)) != nullptr;
    BN_free(number);
    require(set, "setting a serial number");
}

void write_certificate(const std::filesystem::path& file, EVP_PKEY& key, const std::string& name,
                       std::chrono::sys_seconds now)
{
    const X509Ptr certificate(X509_new());
    require(certificate != nullptr, "making a certificate");
    auto& x509 = *certificate;
    set_serial(x509);
    X509_set_version(&x509, X509_VERSION_3);
    ASN1_TIME_set(X509_getm_notBefore(&x509), (now - kBackdated).time_since_epoch().count());
    ASN1_TIME_set(X509_getm_notAfter(&x509), (now + kLifetime).time_since_epoch().count());
    X509_set_pubkey(&x509, &key);
    X509_NAME* const subject = X509_get_subject_name(&x509);
    // A common name holds 64 characters; the name that counts is the alternative one (RFC 9525).
    const auto common_name = name.substr(0, 64);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name.data()),
                               static_cast<int>(common_name.size()), -1, 0);
    X509_set_issuer_name(&x509, subject);
    add_extension(x509, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(x509, NID_key_usage, "critical,digitalSignature");
    add_extension(x509, NID_ext_key_usage, "serverAuth");
    add_extension(x509, NID_subject_alt_name, (is_address(name) ? "IP:" : "DNS:") + name);
    require(X509_sign(&x509, &key, EVP_sha256()) > 0, "signing a certificate");

    const BioPtr bio(BIO_new(BIO_s_mem()));
    require(bio && PEM_write_bio_X509(bio.get(), &x509) == 1, "writing a certificate");
    write_durably(file, contents(*bio), 0644);
}

bool still_good(const std::filesystem::path& file, const std::string& name, std::chrono::sys_seconds now)
{
    const auto certificate = read_certificate(file);
    const bool named = is_address(name)
                           ? X509_check_ip_asc(certificate.get(), name.c_str(), 0) == 1
                           : X509_check_host(certificate.get(), name.data(), name.size(), 0, nullptr) == 1;
    return named && expiry(*certificate) - now >= kRenewBefore;
}

}  // namespace

bool keep_self_signed(const DataDirectory& data, const std::string& name, std::chrono::sys_seconds now)
{
    const auto key_file = data.private_key();
    const auto certificate_file = data.certificate();
    const bool has_key = std::filesystem::exists(key_file);
    if (has_key && std::filesystem::exists(certificate_file)) {
        require_private(key_file);
        if (still_good(certificate_file, name, now)) return false;
    }
    make_directory_durably(key_file.parent_path());
    const auto key = has_key ? read_key(key_file) : make_key(key_file);
    write_certificate(certificate_file, *key, name, now);
    return true;
}

}  // namespace securelogin
