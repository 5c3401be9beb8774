// password_hash.hpp: Argon2id (RFC 9106) through libsodium: make a hash, check a password against one.
//
// Expensive on purpose: some milliseconds of a core and HashParameters::memory_kib of memory each.  Runs in
// the HashArena of the calling thread where it has one.  Blocking; any thread.
#pragma once

#include <string_view>

#include "common/secret.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/phc.hpp"

namespace securelogin::auth {

/// A PHC string with a fresh salt of 16 bytes and a hash of 32.
/// REQUIRES: parameters from kFloor to kCeiling, lanes == 1 (libsodium makes no others).
/// Throws std::bad_alloc when the memory is not to be had.
[[nodiscard]] Secret hash_password(const Secret& password, const HashParameters& parameters);

/// True only if `password` is the one that `phc` was made of.  A string that parse_phc refuses matches
/// nothing. Throws std::bad_alloc when the memory is not to be had: an error is never a mismatch, nor a
/// match.
[[nodiscard]] bool verify_password(const Secret& password, std::string_view phc);

/// A well-formed string of these parameters that no password is known for: what is checked when there is no
/// account, so that an unknown user costs the same.
[[nodiscard]] Secret made_up_hash(const HashParameters& parameters, Random& random);

}  // namespace securelogin::auth
