#include "server/auth/passphrase_key.hpp"

#include <sodium.h>

#include <new>
#include <stdexcept>

namespace securelogin::auth {

Secret key_from_passphrase(const Secret& passphrase, std::span<const std::uint8_t> salt,
                           const HashParameters& parameters)
{
    static_assert(crypto_pwhash_argon2id_SALTBYTES == kPassphraseSalt);
    constexpr std::size_t bytes_per_kib = 1024;
    if (passphrase.empty() || salt.size() != kPassphraseSalt || parameters.lanes != 1 ||
        parameters.memory_kib < kFloor.memory_kib || parameters.memory_kib > kCeiling.memory_kib ||
        parameters.passes < kFloor.passes || parameters.passes > kCeiling.passes) {
        throw std::invalid_argument("deriving a key from a passphrase: parameters out of range");
    }
    if (sodium_init() < 0) throw std::runtime_error("starting libsodium: no source of random bytes");
    Secret key(kPassphraseKey);
    if (crypto_pwhash_argon2id(key.bytes().data(), key.size(), passphrase.chars().data(),
                               passphrase.chars().size(), salt.data(), parameters.passes,
                               parameters.memory_kib * bytes_per_kib,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0) {
        throw std::bad_alloc();
    }
    return key;
}

}  // namespace securelogin::auth
