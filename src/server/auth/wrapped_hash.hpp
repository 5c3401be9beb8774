// wrapped_hash.hpp: another program's weak password hash, kept so that a thief gains nothing by its weakness:
// Argon2id over the old hash.
//
//   $over$SCHEME$SETTING$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
//
// SCHEME as old_hash.hpp names them, SETTING in base64 (RFC 4648 section 4, without padding), the rest the
// PHC string of Argon2id over the old hash's digest.  Stands where a PHC string stands, and is replaced by
// one at the next login: it is no parse_phc() string, and so counts as outdated.  Any thread.
#pragma once

#include <string_view>

#include "common/secret.hpp"
#include "server/auth/old_hash.hpp"
#include "server/auth/phc.hpp"

namespace securelogin::auth {

/// Expensive: hash_password().  Throws what that throws.
[[nodiscard]] Secret wrap_old_hash(const OldHash& old, const HashParameters& parameters);

[[nodiscard]] bool is_wrapped(std::string_view stored) noexcept;

/// Whether what comes from elsewhere is one that wrap_old_hash() could have made.
[[nodiscard]] bool is_good_wrapped_hash(std::string_view stored);

/// True only if `password` is the one that `stored`, a PHC string or a wrapped hash, was made of.  What is
/// neither matches nothing.  Expensive: the old hash first, where there is one, then Argon2id.  Throws
/// std::bad_alloc, std::runtime_error: an error is never a mismatch, nor a match.
[[nodiscard]] bool matches_stored_hash(const Secret& password, std::string_view stored);

}  // namespace securelogin::auth
