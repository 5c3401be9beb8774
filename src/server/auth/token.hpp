// token.hpp: what a program shows in the place of somebody who has logged in.
//
// `slt_` and 256 random bits in base64url without padding (RFC 4648 section 5).  A token belongs to one
// session and ends with it.  The store keeps its SHA-256 and nothing else: of 256 random bits that is enough,
// since nobody can try them all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/secret.hpp"
#include "server/auth/clock.hpp"

struct evp_md_st;  // OpenSSL's, which not every layer is to know
struct evp_md_ctx_st;

namespace securelogin::auth {

using TokenHash = std::array<std::uint8_t, 32>;  // SHA-256 of the token's characters

inline constexpr std::size_t kTokenLength = 47;  // characters

[[nodiscard]] Secret new_token(Random& random);

/// Whether `text` has a token's form: nothing else is worth a look-up.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// Hashes tokens; holds what OpenSSL would otherwise look up and allocate for each.  One thread at a time.
class TokenHasher {
  public:
    /// Throws OpenSslError.
    TokenHasher();
    /// Throws OpenSslError.
    [[nodiscard]] TokenHash operator()(std::string_view token);

  private:
    struct Free {
        void operator()(evp_md_st* digest) const noexcept;
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_st, Free> sha256_;
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace securelogin::auth
