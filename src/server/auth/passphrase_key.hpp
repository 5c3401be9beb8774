// passphrase_key.hpp: a key out of a passphrase, dear to whoever tries passphrases (Argon2id, RFC 9106).
//
// Blocking; needs the memory that the parameters ask for.  Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/secret.hpp"
#include "server/auth/phc.hpp"

namespace securelogin::auth {

inline constexpr std::size_t kPassphraseSalt = 16;  // bytes
inline constexpr std::size_t kPassphraseKey = 32;   // bytes

/// What is sealed for a long time under nothing but a passphrase costs more than a login: 256 MiB, three
/// passes.
inline constexpr HashParameters kPassphraseCost{262144, 3, 1};

/// kPassphraseKey bytes.  REQUIRES: salt.size() == kPassphraseSalt; parameters from kFloor to kCeiling, one
/// lane; a passphrase that is not empty.  Throws std::bad_alloc, std::invalid_argument.
[[nodiscard]] Secret key_from_passphrase(const Secret& passphrase, std::span<const std::uint8_t> salt,
                                         const HashParameters& parameters);

}  // namespace securelogin::auth
