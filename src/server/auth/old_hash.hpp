// old_hash.hpp: password hashes that other programs have left: told apart, bounded in cost, computed again.
//
//   sha256   64 hexadecimal digits: SHA-256 of the password, without a salt
//   sha1     {SHA} and base64: SHA-1 of the password, without a salt (htpasswd -s)
//   apr1     $apr1$SALT$HASH (htpasswd -m)
//   crypt    what crypt(3) makes: $2a$ $2b$ $2y$ (bcrypt), $1$ (MD5), $5$ (SHA-256), $6$ (SHA-512), $y$
//   (yescrypt)
//
// None of them is ever stored as it is: wrapped_hash.hpp puts Argon2id over it.  What one costs is bounded
// here, before it is taken over: somebody who may add rows to an import would decide what a login costs.
// Pure but for memory; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/secret.hpp"

namespace securelogin::auth {

enum class OldScheme { sha256, sha1, apr1, crypt };

[[nodiscard]] std::string_view to_string(OldScheme scheme) noexcept;
[[nodiscard]] std::optional<OldScheme> parse_old_scheme(std::string_view text) noexcept;

inline constexpr int kDearestBcrypt = 14;                        // log2 of its rounds; about a second
inline constexpr unsigned long kMostShaCryptRounds = 1'000'000;  // about a second
inline constexpr std::size_t kMostYescryptMemory = std::size_t{256} << 20U;  // bytes

struct OldHash {
    OldScheme scheme;
    std::string setting;  // what computing it again needs: method, cost, salt; no secret
    Secret digest;        // the hash itself, in its one spelling
};

/// The hash; or why it is none that we take, as words that follow "its hash is ".
[[nodiscard]] std::variant<OldHash, std::string> parse_old_hash(std::string_view text);

/// Whether parse_old_hash() could have made it.
[[nodiscard]] bool is_good_setting(OldScheme scheme, std::string_view setting);

/// The digest that `password` has under `scheme` and `setting`.  Empty, after the same work, for what the
/// scheme cannot be asked (crypt(3) takes no NUL, and 511 octets at most).  Expensive.  Throws
/// std::bad_alloc, std::runtime_error for a setting that parse_old_hash would not have made.
[[nodiscard]] Secret old_digest(OldScheme scheme, const std::string& setting, const Secret& password);

}  // namespace securelogin::auth
