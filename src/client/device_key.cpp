#include "client/device_key.hpp"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "client/file_descriptor.hpp"
#include "client/private_file.hpp"

namespace securelogin::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestKeyFile = 4096;  // octets; a key takes some 240

bool is_p256(const EVP_PKEY& key)
{
    std::array<char, 32> group{};
    return EVP_PKEY_is_a(&key, "EC") == 1 &&
           EVP_PKEY_get_utf8_string_param(&key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                          nullptr) == 1 &&
           std::string_view(group.data()) == "prime256v1";
}

/// False for a key whose halves do not belong together: one octet of the file has changed.
bool is_whole(EVP_PKEY& key)
{
    EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_pkey(nullptr, &key, nullptr);
    const bool whole = context != nullptr && EVP_PKEY_pairwise_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return whole;
}

/// The same for every device and at all times: nothing in it tells of the person, the machine or the hour.
/// The server looks at the key alone.
X509Ptr self_signed(EVP_PKEY& key)
{
    constexpr std::string_view name = "SecureLogin device";
    X509Ptr certificate(X509_new());
    require(certificate != nullptr, "making a certificate");
    auto* const x509 = certificate.get();
    X509_NAME* const subject = X509_get_subject_name(x509);
    const bool filled = X509_set_version(x509, X509_VERSION_3) == 1 &&
                        ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1 &&
                        ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), "20000101000000Z") == 1 &&
                        // RFC 5280 section 4.1.2.5: no end.
                        ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), "99991231235959Z") == 1 &&
                        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                   reinterpret_cast<const unsigned char*>(name.data()),
                                                   static_cast<int>(name.size()), -1, 0) == 1 &&
                        X509_set_issuer_name(x509, subject) == 1 && X509_set_pubkey(x509, &key) == 1;
    require(filled, "making a certificate");
    require(X509_sign(x509, &key, EVP_sha256()) > 0, "signing a certificate");
    return certificate;
}

/// Nothing when the file is not a plain one that has been its owner's alone, or is not there.
std::optional<Secret> read_private(const fs::path& file)
{
    const FileDescriptor opened(
        ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW));
    struct stat status{};
    if (!opened.is_open() || ::fstat(opened.get(), &status) != 0) return std::nullopt;
    const bool ours = S_ISREG(status.st_mode) && status.st_uid == ::geteuid() &&
                      (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    if (!ours || status.st_size <= 0 || static_cast<std::size_t>(status.st_size) > kLargestKeyFile) {
        return std::nullopt;
    }
    Secret text(static_cast<std::size_t>(status.st_size));
    for (std::size_t got = 0; got < text.size();) {
        const auto rest = text.chars().subspan(got);
        const auto count = ::read(opened.get(), rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return std::nullopt;
        got += static_cast<std::size_t>(count);
    }
    return text;
}

/// Whoever may write the directory could put a key of theirs into it.
void require_own(const FileDescriptor& opened, const fs::path& directory)
{
    struct stat status{};
    if (::fstat(opened.get(), &status) != 0) file_failure("reading", directory);
    if (status.st_uid != ::geteuid()) file_failure("reading", directory, "it belongs to another user");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        file_failure("reading", directory, "others may write it: chmod 700 it");
    }
}

std::optional<DeviceKey> load(const fs::path& file)
{
    const auto pem = read_private(file);
    return pem ? DeviceKey::parse(*pem) : std::nullopt;
}

}  // namespace

DeviceKey::DeviceKey(PkeyPtr key) : key_(std::move(key)), certificate_(self_signed(*key_)) {}

DeviceKey DeviceKey::make()
{
    PkeyPtr key(EVP_EC_gen("P-256"));
    require(key != nullptr, "making a device key");
    return DeviceKey(std::move(key));
}

std::optional<DeviceKey> DeviceKey::parse(const Secret& pem)
{
    const BioPtr bio(BIO_new_mem_buf(pem.view().data(), static_cast<int>(pem.size())));
    require(bio != nullptr, "reading a device key");
    // A passphrase is never asked for: a key that wants one is none of ours.
    const auto no_passphrase = [](char*, int, int, void*) { return -1; };
    PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    if (key && is_p256(*key) && is_whole(*key)) return DeviceKey(std::move(key));
    (void)openssl_error();  // said by what is returned
    return std::nullopt;
}

Secret DeviceKey::pem() const
{
    const BioPtr bio(BIO_new(BIO_s_secmem()));
    require(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                                 nullptr) == 1,
            "writing a device key");
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return Secret::copy_of({text, static_cast<std::size_t>(size)});
}

DeviceKey DeviceKeys::for_server(const std::string& host_and_port) const
{
    make_private_directory(directory_.parent_path());
    make_private_directory(directory_);
    const auto held = lock_directory(directory_);
    require_own(held, directory_);
    const auto file = file_for(host_and_port);
    if (auto kept = load(file)) return std::move(*kept);
    auto made = DeviceKey::make();
    replace_file(file, made.pem().view());
    return made;
}

fs::path DeviceKeys::file_for(const std::string& host_and_port) const
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    std::string name;
    for (const char c : host_and_port) {
        if (plain.find(c) != std::string_view::npos) {
            name += c;
        } else {
            const auto octet = static_cast<unsigned char>(c);
            name += {'%', digits[octet >> 4U], digits[octet & 0xFU]};
        }
    }
    return directory_ / (name + ".pem");
}

fs::path device_key_directory() { return configuration_directory() / "devices"; }

}  // namespace securelogin::client
