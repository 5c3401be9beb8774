// The handshake as the server's context has it, with clients of every kind.
#include "server/net/device_certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/certificate.hpp"
#include "common/openssl.hpp"
#include "server/net/tls.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin::net {
namespace {

using testing::HasSubstr;

struct Identity {
    PkeyPtr key;
    X509Ptr certificate;
};

using Dress = std::function<void(X509&)>;

/// Self-signed, valid for a day from `start` (seconds from now) on.
Identity self_signed(PkeyPtr key, long start = -3600, const Dress& dress = {})
{
    X509Ptr certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), start);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), start + 24L * 3600);
    X509_set_pubkey(certificate.get(), key.get());
    if (dress) dress(*certificate);
    const int edwards = EVP_PKEY_get_id(key.get()) == EVP_PKEY_ED25519 ? 1 : 0;
    if (X509_sign(certificate.get(), key.get(), edwards == 1 ? nullptr : EVP_sha256()) <= 0) {
        throw OpenSslError("signing");
    }
    return {std::move(key), std::move(certificate)};
}

PkeyPtr ec(const char* curve) { return PkeyPtr(EVP_EC_gen(curve)); }
PkeyPtr rsa() { return PkeyPtr(EVP_RSA_gen(2048)); }
PkeyPtr edwards() { return PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

/// P-256 with its curve spelled out, or its point compressed: other octets for the same kind of key.
PkeyPtr p256_with(const char* parameter, const char* value)
{
    PkeyPtr key = ec("P-256");
    if (EVP_PKEY_set_utf8_string_param(key.get(), parameter, value) != 1) throw OpenSslError("a parameter");
    return key;
}

/// The public key of one, the private one of another.
PkeyPtr key_of(const EVP_PKEY& shown, const EVP_PKEY& held)
{
    std::array<unsigned char, 65> point{};
    std::size_t size = 0;
    BIGNUM* number = nullptr;
    EVP_PKEY_get_octet_string_param(&shown, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size);
    EVP_PKEY_get_bn_param(&held, OSSL_PKEY_PARAM_PRIV_KEY, &number);
    OSSL_PARAM_BLD* const parts = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point.data(), size);
    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_PRIV_KEY, number);
    OSSL_PARAM* const parameters = OSSL_PARAM_BLD_to_param(parts);
    EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
    EVP_PKEY* made = nullptr;
    EVP_PKEY_fromdata_init(context);
    const int result = EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(parts);
    BN_clear_free(number);
    if (result != 1) throw OpenSslError("making a key");
    return PkeyPtr(made);
}

void write_pem(const std::filesystem::path& file, const std::function<int(BIO*)>& write)
{
    const BioPtr bio(BIO_new_file(file.c_str(), "w"));
    if (!bio || write(bio.get()) != 1) throw OpenSslError("writing " + file.string());
}

/// What became of a handshake on either side.
struct Result {
    std::optional<auth::DeviceFingerprint> device;
    std::string refusal;  // the server's reason; empty when it agreed
};

class DeviceCertificate : public testing::Test {
  protected:
    DeviceCertificate()
    {
        const auto identity = self_signed(ec("P-256"));
        const TlsFiles files{.certificate = directory_ / "cert.pem", .key = directory_ / "key.pem"};
        write_pem(files.certificate,
                  [&](BIO* bio) { return PEM_write_bio_X509(bio, identity.certificate.get()); });
        write_pem(files.key, [&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
        server_ = make_server_context(files, true);
    }

    /// As a client does that pays no heed to what the server asks for.
    void take_every_signature()
    {
        SSL_CTX_set1_client_sigalgs_list(server_.get(), "RSA-PSS+SHA256:ECDSA+SHA256:ECDSA+SHA384:ed25519");
    }

    Result shake_hands(const Identity* identity, int version = TLS1_3_VERSION, const Identity* more = nullptr)
    {
        const SslContextPtr context(SSL_CTX_new(TLS_client_method()));
        SSL_CTX_set_max_proto_version(context.get(), version);
        SSL_CTX_set_security_level(context.get(), 0);
        if (identity != nullptr) {
            EXPECT_EQ(SSL_CTX_use_certificate(context.get(), identity->certificate.get()), 1);
            EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), identity->key.get()), 1);
        }
        if (more != nullptr) SSL_CTX_add1_chain_cert(context.get(), more->certificate.get());
        const SslPtr client(SSL_new(context.get()));
        const SslPtr server = accept_side(*server_);
        BIO* near = nullptr;
        BIO* far = nullptr;
        if (BIO_new_bio_pair(&near, 65536, &far, 65536) != 1) throw OpenSslError("a pair");
        SSL_set_bio(client.get(), near, near);
        SSL_set_bio(server.get(), far, far);
        SSL_set_connect_state(client.get());
        for (int turn = 0; turn < 10; ++turn) {
            (void)SSL_do_handshake(client.get());
            const int result = SSL_do_handshake(server.get());
            if (result == 1 && SSL_is_init_finished(client.get()) == 1) break;
            if (result != 1 && SSL_get_error(server.get(), result) != SSL_ERROR_WANT_READ) {
                return {.device = {}, .refusal = openssl_error()};
            }
        }
        if (SSL_is_init_finished(server.get()) != 1) return {.device = {}, .refusal = "never finished"};
        return {.device = device_of(*server), .refusal = {}};
    }

    support::TemporaryDirectory directory_;
    SslContextPtr server_;
};

TEST_F(DeviceCertificate, WithoutOneTheClientIsServed)
{
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto result = shake_hands(nullptr, version);
        EXPECT_EQ(result.refusal, "");
        EXPECT_FALSE(result.device);
    }
}

struct GoodCase {
    std::string name;
    std::function<Identity()> make;
};

class GoodDeviceCertificate : public DeviceCertificate, public testing::WithParamInterface<GoodCase> {};

TEST_P(GoodDeviceCertificate, IsTheDigestOfItsKey)
{
    const auto identity = GetParam().make();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto result = shake_hands(&identity, version);
        EXPECT_EQ(result.refusal, "");
        EXPECT_EQ(result.device, key_digest(*identity.certificate));
    }
}

/// With a signature that is not its own: nobody looks at it.
Identity badly_signed()
{
    auto identity = self_signed(ec("P-256"));
    const auto other = ec("P-256");
    X509_sign(identity.certificate.get(), other.get(), EVP_sha256());
    return identity;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, GoodDeviceCertificate,
    testing::Values(GoodCase{"P256", [] { return self_signed(ec("P-256")); }},
                    GoodCase{"Ed25519", [] { return self_signed(edwards()); }},
                    GoodCase{"Expired", [] { return self_signed(ec("P-256"), -1'000'000); }},
                    GoodCase{"NotYetValid", [] { return self_signed(ec("P-256"), 1'000'000); }},
                    GoodCase{"SignedByAnother", badly_signed}),
    [](const auto& row) { return row.param.name; });

TEST_F(DeviceCertificate, TheKeyCountsAndNotTheCertificate)
{
    auto identity = self_signed(ec("P-256"));
    const auto first = shake_hands(&identity).device;
    identity = self_signed(std::move(identity.key), 7);
    EXPECT_EQ(shake_hands(&identity).device, first);
    const auto other = self_signed(ec("P-256"));
    EXPECT_NE(shake_hands(&other).device, first);
}

TEST_F(DeviceCertificate, OneOfAnotherKindIsNotAskedFor)
{
    for (auto* const make : {+[] { return rsa(); }, +[] { return ec("P-384"); }}) {
        const auto identity = self_signed(make());
        const auto result = shake_hands(&identity);
        EXPECT_EQ(result.refusal, "");
        EXPECT_FALSE(result.device);
    }
}

struct BadCase {
    std::string name;
    std::function<Identity()> make;
    std::string why;
};

class BadDeviceCertificate : public DeviceCertificate, public testing::WithParamInterface<BadCase> {};

TEST_P(BadDeviceCertificate, EndsTheHandshake)
{
    take_every_signature();
    const auto identity = GetParam().make();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        EXPECT_THAT(shake_hands(&identity, version).refusal, HasSubstr(GetParam().why)) << version;
    }
}

void grow(X509& certificate)
{
    const std::string much(5000, 'a');
    X509_NAME_add_entry_by_txt(X509_get_subject_name(&certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(much.data()), 60, -1, 0);
    X509_EXTENSION* extension = nullptr;
    ASN1_OCTET_STRING* const octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, reinterpret_cast<const unsigned char*>(much.data()),
                          static_cast<int>(much.size()));
    extension = X509_EXTENSION_create_by_NID(nullptr, NID_netscape_comment, 0, octets);
    X509_add_ext(&certificate, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, BadDeviceCertificate,
    testing::Values(
        BadCase{"Rsa", [] { return self_signed(rsa()); }, "certificate verify failed"},
        BadCase{"P384", [] { return self_signed(ec("P-384")); }, "certificate verify failed"},
        BadCase{
            "P256Compressed",
            [] { return self_signed(p256_with(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed")); },
            "certificate verify failed"},
        BadCase{"P256SpelledOut",
                [] { return self_signed(p256_with(OSSL_PKEY_PARAM_EC_ENCODING, "explicit")); },
                "certificate verify failed"},
        BadCase{"TooLong", [] { return self_signed(ec("P-256"), 0, grow); }, "excessive message size"}),
    [](const auto& row) { return row.param.name; });

TEST_F(DeviceCertificate, AChainIsRefused)
{
    const auto identity = self_signed(ec("P-256"));
    const auto more = self_signed(ec("P-256"));
    EXPECT_THAT(shake_hands(&identity, TLS1_3_VERSION, &more).refusal,
                HasSubstr("certificate verify failed"));
}

TEST_F(DeviceCertificate, AKeyThatIsNotHeldIsRefused)
{
    // The client signs with another key than its certificate's: possible only by going behind OpenSSL's back.
    auto identity = self_signed(ec("P-256"));
    identity.key = key_of(*identity.key, *ec("P-256"));
    EXPECT_THAT(shake_hands(&identity).refusal, HasSubstr("bad signature"));
}

}  // namespace
}  // namespace securelogin::net
