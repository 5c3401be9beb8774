// otpauth_uri.hpp: a key for one-time codes as other programs hand it over: Google Authenticator's key URI
// format, `otpauth://totp/LABEL?secret=BASE32&algorithm=SHA1&digits=6&period=30`, or the base32 alone.
//
// Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/secret.hpp"
#include "server/auth/totp.hpp"

namespace securelogin::auth {

inline constexpr std::size_t kShortestTotpSecret = 10;  // bytes: 80 bits, what many programs give out
inline constexpr std::size_t kLongestTotpSecret = 128;  // bytes

struct TotpKey {
    Secret secret;
    TotpParameters parameters = {};
};

/// RFC 4648 section 6, as people and programs write it: in any case, padded or not, with blanks or hyphens
/// between groups.  Nothing for anything else, and for bits that belong to no byte.
[[nodiscard]] std::optional<Secret> from_base32(std::string_view text);

/// The key; or why not, as words that follow "its one-time code key is ".  The label and parameters that say
/// nothing of the codes (`issuer`, `image`) are passed over; counter-based keys, and parameters that this
/// program does not take, are not.
[[nodiscard]] std::variant<TotpKey, std::string> parse_otpauth_uri(std::string_view uri);

/// A key of the default parameters.
[[nodiscard]] std::variant<TotpKey, std::string> parse_base32_key(std::string_view base32);

}  // namespace securelogin::auth
