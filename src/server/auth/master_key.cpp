#include "server/auth/master_key.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "common/openssl.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::auth {
namespace {

using KdfPtr = std::unique_ptr<EVP_KDF, OpenSslFree<EVP_KDF_free>>;
using KdfContextPtr = std::unique_ptr<EVP_KDF_CTX, OpenSslFree<EVP_KDF_CTX_free>>;

constexpr std::size_t kDerivedSize = 32;  // bytes

/// OpenSSL's parameters are not const, though it only reads these.
OSSL_PARAM digest_sha256(const char* key)
{
    static char sha256[] = "SHA256";
    return OSSL_PARAM_construct_utf8_string(key, sha256, sizeof sha256 - 1);
}

/// RFC 5869 with an empty salt, as the input is a uniform key already; `purpose` is the info.
Secret hkdf_sha256(const Secret& key, std::string_view purpose)
{
    const KdfPtr kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr));
    const KdfContextPtr context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
    Secret input = key.clone();
    std::string info(purpose);
    const std::array parameters{
        digest_sha256(OSSL_KDF_PARAM_DIGEST),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, input.bytes().data(), input.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
        OSSL_PARAM_construct_end(),
    };
    Secret derived(kDerivedSize);
    if (!context ||
        EVP_KDF_derive(context.get(), derived.bytes().data(), derived.size(), parameters.data()) != 1) {
        throw OpenSslError("deriving a key");
    }
    return derived;
}

std::uint32_t key_id(const Secret& key)
{
    const auto derived = hkdf_sha256(key, "key id");
    std::uint32_t id = 0;
    for (const auto byte : derived.bytes().first(4)) id = (id << 8U) | byte;
    return id;
}

}  // namespace

MasterKey::MasterKey(Secret bytes) : bytes_(std::move(bytes)), id_(key_id(bytes_))
{
    assert(bytes_.size() == kSize);
}

Secret MasterKey::derive(std::string_view purpose) const { return hkdf_sha256(bytes_, purpose); }

std::string key_id_text(std::uint32_t id)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned shift = 32; shift > 0; shift -= 4) text += digits[(id >> (shift - 4)) & 0xFU];
    return text;
}

Secret NameKeyer::key_of(const MasterKey& master) { return master.derive("name key"); }

NameKey NameKeyer::operator()(std::string_view typed) const
{
    std::string folded = fold_case(typed);
    const auto code = hmac_(folded);
    wipe(folded);  // it may have been a password
    NameKey name{};
    std::copy_n(code.begin(), name.size(), name.begin());
    return name;
}

NameKey NameKeyer::of_typed(std::string_view typed) const
{
    std::string line(typed);
    std::ranges::replace(line, '\n', '?');
    const auto key = (*this)(line);
    wipe(line);
    return key;
}

Secret NameKeyer::derive(std::string_view purpose) const { return hkdf_sha256(*key_, purpose); }

std::string short_form(const NameKey& key)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : std::span(key).first(4)) {
        text += digits[byte >> 4U];
        text += digits[byte & 0xFU];
    }
    return text;
}

}  // namespace securelogin::auth
