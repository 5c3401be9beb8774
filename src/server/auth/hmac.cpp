#include "server/auth/hmac.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstddef>

#include "common/openssl.hpp"

namespace securelogin::auth {
namespace {

using MacPtr = std::unique_ptr<EVP_MAC, OpenSslFree<EVP_MAC_free>>;

}  // namespace

void Hmac::Free::operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }

Hmac::Hmac(const Secret& key)
{
    const MacPtr hmac(EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr));
    keyed_.reset(hmac ? EVP_MAC_CTX_new(hmac.get()) : nullptr);
    static char sha256[] = "SHA256";  // OpenSSL's parameters are not const, though it only reads them
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, sizeof sha256 - 1),
        OSSL_PARAM_construct_end()};
    if (!keyed_ || EVP_MAC_init(keyed_.get(), key.bytes().data(), key.size(), parameters.data()) != 1) {
        throw OpenSslError("keying HMAC-SHA256");
    }
}

Hmac::Code Hmac::operator()(std::string_view message) const
{
    const auto context = copy();
    const auto* const octets = reinterpret_cast<const unsigned char*>(message.data());
    Code code{};
    std::size_t size = 0;
    if (EVP_MAC_update(context.get(), octets, message.size()) != 1 ||
        EVP_MAC_final(context.get(), code.data(), &size, code.size()) != 1 || size != code.size()) {
        throw OpenSslError("computing HMAC-SHA256");
    }
    return code;
}

Hmac::Context Hmac::copy() const
{
    Context context(EVP_MAC_CTX_dup(keyed_.get()));
    if (!context) throw OpenSslError("computing HMAC-SHA256");
    return context;
}

}  // namespace securelogin::auth
