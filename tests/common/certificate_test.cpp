#include "common/certificate.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace securelogin {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A directory of the test's own, gone with it.
class TemporaryDirectory {
  public:
    TemporaryDirectory()
    {
        std::string name = fs::temp_directory_path() / "certificate_test.XXXXXX";
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("making a temporary directory");
        path_ = name;
    }
    ~TemporaryDirectory() { fs::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] fs::path file(std::string_view name, std::string_view content) const
    {
        std::ofstream(path_ / name) << content;
        return path_ / name;
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

/// What a program says on stdout.
std::string output_of(const std::string& command)
{
    const auto close = [](FILE* pipe) { return pclose(pipe); };
    const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
    if (!pipe) throw std::runtime_error(command);
    std::string output;
    std::array<char, 256> part{};
    while (std::fgets(part.data(), part.size(), pipe.get()) != nullptr) output += part.data();
    return output.substr(0, output.find('\n'));
}

PkeyPtr new_key() { return PkeyPtr(EVP_EC_gen("P-256")); }

X509Ptr new_certificate(EVP_PKEY* key, std::chrono::sys_seconds expires)
{
    X509Ptr certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_set_pubkey(certificate.get(), key);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), expires.time_since_epoch().count());
    if (X509_sign(certificate.get(), key, EVP_sha256()) == 0) throw OpenSslError("signing");
    return certificate;
}

std::string pem(X509* certificate)
{
    const BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), certificate);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

constexpr std::chrono::sys_seconds kExpiry{2'000'000'000s};

TEST(Fingerprint, IsTheKeysAndTheOneThatTheOpensslProgramSees)
{
    const TemporaryDirectory directory;
    const auto certificate = new_certificate(new_key().get(), kExpiry);
    const auto file = directory.file("cert.pem", pem(certificate.get()));
    const auto expected =
        output_of("openssl x509 -in " + file.string() +
                  " -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary "
                  "| base64 | tr -d =");
    EXPECT_EQ(expected.size(), 43U);
    EXPECT_EQ(fingerprint(*certificate), "SHA256:" + expected);
}

TEST(Fingerprint, StaysWhenACertificateIsRenewedWithItsKey)
{
    const auto key = new_key();
    const auto before = new_certificate(key.get(), kExpiry);
    const auto after = new_certificate(key.get(), kExpiry + 24h * 365);
    EXPECT_EQ(fingerprint(*before), fingerprint(*after));
    EXPECT_NE(fingerprint(*before), fingerprint(*new_certificate(new_key().get(), kExpiry)));
}

const std::string kDigest = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";  // of nothing

struct FormCase {
    std::string name;
    std::string text;
    std::optional<std::string> normal;
};

class NormalizeFingerprint : public testing::TestWithParam<FormCase> {};

TEST_P(NormalizeFingerprint, HasOneForm)
{
    EXPECT_EQ(normalize_fingerprint(GetParam().text), GetParam().normal);
}

INSTANTIATE_TEST_SUITE_P(
    Certificate, NormalizeFingerprint,
    testing::Values(FormCase{"AsItIs", "SHA256:" + kDigest, "SHA256:" + kDigest},           //
                    FormCase{"Padded", "SHA256:" + kDigest + '=', "SHA256:" + kDigest},     //
                    FormCase{"PaddedTwice", "SHA256:" + kDigest + "==", {}},                //
                    FormCase{"Empty", "", {}},                                              //
                    FormCase{"OnlyThePrefix", "SHA256:", {}},                               //
                    FormCase{"WithoutPrefix", kDigest, {}},                                 //
                    FormCase{"SmallPrefix", "sha256:" + kDigest, {}},                       //
                    FormCase{"OtherHash", "SHA512:" + kDigest, {}},                         //
                    FormCase{"OneByteShort", "SHA256:" + kDigest.substr(0, 42), {}},        //
                    FormCase{"OneByteLong", "SHA256:" + kDigest.substr(0, 42) + "UA", {}},  //
                    FormCase{"BitsOfNoByte", "SHA256:" + kDigest.substr(0, 42) + 'V', {}},  //
                    FormCase{"Hexadecimal", "SHA256:" + std::string(64, 'a'), {}},          //
                    FormCase{"BlankBefore", " SHA256:" + kDigest, {}},                      //
                    FormCase{"BlankInside", "SHA256: " + kDigest, {}},                      //
                    FormCase{"BlankAfter", "SHA256:" + kDigest + ' ', {}}),
    [](const auto& row) { return row.param.name; });

TEST(Expiry, IsNotAfter)
{
    EXPECT_EQ(expiry(*new_certificate(new_key().get(), kExpiry)), kExpiry);
    // Beyond 2049 the certificate holds a GeneralizedTime (RFC 5280 section 4.1.2.5).
    constexpr std::chrono::sys_seconds far{4'000'000'000s};
    EXPECT_EQ(expiry(*new_certificate(new_key().get(), far)), far);
}

TEST(ReadCertificate, TakesTheFirstOfAChain)
{
    const TemporaryDirectory directory;
    const auto leaf = new_certificate(new_key().get(), kExpiry);
    const auto issuer = new_certificate(new_key().get(), kExpiry);
    const auto file = directory.file("chain.pem", "a comment\n" + pem(leaf.get()) + pem(issuer.get()));
    EXPECT_EQ(fingerprint(*read_certificate(file)), fingerprint(*leaf));
}

struct UnreadableCase {
    std::string name;
    std::string file;
    std::string why;
};

class UnreadableCertificate : public testing::TestWithParam<UnreadableCase> {};

TEST_P(UnreadableCertificate, IsNamedWithTheReason)
{
    const TemporaryDirectory directory;
    const auto good = pem(new_certificate(new_key().get(), kExpiry).get());
    (void)directory.file("empty.pem", "");
    (void)directory.file("text.pem", "not a certificate\n");
    (void)directory.file("cut.pem", good.substr(0, good.size() / 2));
    (void)directory.file("garbled.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    const auto file = directory.path() / GetParam().file;
    try {
        (void)read_certificate(file);
        FAIL() << "read";
    } catch (const std::runtime_error& error) {
        const std::string_view what = error.what();
        EXPECT_TRUE(what.starts_with("reading the certificate " + file.string() + ": ")) << what;
        EXPECT_TRUE(what.ends_with(GetParam().why)) << what;
        EXPECT_EQ(what.find('\n'), std::string_view::npos);
    }
}

INSTANTIATE_TEST_SUITE_P(Certificate, UnreadableCertificate,
                         testing::Values(UnreadableCase{"Missing", "missing.pem",
                                                        ": No such file or directory"},          //
                                         UnreadableCase{"Empty", "empty.pem", "no start line"},  //
                                         UnreadableCase{"Text", "text.pem", "no start line"},    //
                                         UnreadableCase{"CutShort", "cut.pem", "bad end line"},  //
                                         UnreadableCase{"Garbled", "garbled.pem", ""}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin
