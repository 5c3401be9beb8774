// openssl.hpp: owners for OpenSSL's objects, and its error queue as a sentence.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace securelogin {

template <auto free>
struct OpenSslFree {
    template <typename T>
    void operator()(T* object) const noexcept
    {
        free(object);
    }
};

using BioPtr = std::unique_ptr<BIO, OpenSslFree<BIO_free_all>>;
using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, OpenSslFree<EVP_CIPHER_CTX_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>>;
using SslPtr = std::unique_ptr<SSL, OpenSslFree<SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpenSslFree<SSL_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, OpenSslFree<X509_free>>;

/// What OpenSSL's error queue of this thread says, for people; empties the queue.  "unknown error" when
/// empty.
[[nodiscard]] std::string openssl_error();

/// Thrown when OpenSSL cannot do what it always can on a working machine.
class OpenSslError : public std::runtime_error {
  public:
    explicit OpenSslError(std::string_view doing)
        : std::runtime_error(std::string(doing) + ": " + openssl_error())
    {
    }
};

/// Throws OpenSslError unless `done`.
inline void require(bool done, std::string_view doing)
{
    if (!done) throw OpenSslError(doing);
}

}  // namespace securelogin
