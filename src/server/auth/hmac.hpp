// hmac.hpp: HMAC-SHA256 (RFC 2104, FIPS 198-1) under one key, for many messages.
//
// Finding the algorithm and taking in the key cost OpenSSL more than a short message does: done once.
// Immutable; any thread.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/secret.hpp"

namespace securelogin::auth {

class Hmac {
  public:
    using Code = std::array<std::uint8_t, 32>;

    /// Throws OpenSslError.
    explicit Hmac(const Secret& key);
    /// Throws OpenSslError.
    Hmac(const Hmac& other) : keyed_(other.copy()) {}
    Hmac& operator=(const Hmac&) = delete;
    Hmac(Hmac&&) noexcept = default;
    Hmac& operator=(Hmac&&) noexcept = default;
    ~Hmac() = default;

    /// Throws OpenSslError.
    [[nodiscard]] Code operator()(std::string_view message) const;

  private:
    struct Free {
        void operator()(EVP_MAC_CTX* context) const noexcept;
    };
    using Context = std::unique_ptr<EVP_MAC_CTX, Free>;

    [[nodiscard]] Context copy() const;

    Context keyed_;  // never used itself: copied for each message
};

}  // namespace securelogin::auth
