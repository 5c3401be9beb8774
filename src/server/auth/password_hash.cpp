#include "server/auth/password_hash.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#include "common/base64.hpp"
#include "server/auth/hash_arena.hpp"

namespace securelogin::auth {
namespace {

constexpr std::size_t kSaltSize = 16;  // bytes
constexpr std::size_t kHashSize = 32;  // bytes

void start_sodium()
{
    static const bool started = sodium_init() >= 0;
    if (!started) throw std::runtime_error("starting libsodium: no source of random bytes");
}

bool may_be_made(const HashParameters& parameters) noexcept
{
    return parameters.memory_kib >= kFloor.memory_kib && parameters.memory_kib <= kCeiling.memory_kib &&
           parameters.passes >= kFloor.passes && parameters.passes <= kCeiling.passes &&
           parameters.lanes == 1;
}

std::string random_base64(std::size_t size, Random& random)
{
    Secret bytes(size);
    random.fill(bytes.bytes());
    return to_base64(bytes.bytes());
}

/// libsodium may not be given a null pointer, not even with a length of 0.
const char* octets_of(const Secret& password) noexcept
{
    return password.empty() ? "" : password.view().data();
}

}  // namespace

Secret hash_password(const Secret& password, const HashParameters& parameters)
{
    if (!may_be_made(parameters))
        throw std::invalid_argument("making a password hash: parameters out of range");
    start_sodium();
    Secret phc(crypto_pwhash_argon2id_STRBYTES);
    const HashArena::InForce arena;
    if (crypto_pwhash_argon2id_str(phc.chars().data(), octets_of(password), password.size(),
                                   parameters.passes, parameters.memory_kib * kBytesPerKib) != 0) {
        throw std::bad_alloc();
    }
    phc.truncate(std::strlen(phc.chars().data()));
    return phc;
}

bool verify_password(const Secret& password, std::string_view phc)
{
    if (!parse_phc(phc)) return false;
    start_sodium();
    Secret terminated(phc.size() + 1);
    std::ranges::copy(phc, terminated.chars().begin());
    const HashArena::InForce arena;
    const bool matches = crypto_pwhash_argon2id_str_verify(terminated.chars().data(), octets_of(password),
                                                           password.size()) == 0;
    // libsodium 1.0.18 answers both with -1 and EINVAL: a wrong password and memory that was not to be had.
    if (!matches && arena.ran_out()) throw std::bad_alloc();
    return matches;
}

Secret made_up_hash(const HashParameters& parameters, Random& random)
{
    const auto salt = random_base64(kSaltSize, random);
    const auto hash = random_base64(kHashSize, random);
    const auto cost = "m=" + std::to_string(parameters.memory_kib) +
                      ",t=" + std::to_string(parameters.passes) + ",p=" + std::to_string(parameters.lanes);
    return Secret::copy_of("$argon2id$v=19$" + cost + '$' + salt + '$' + hash);
}

}  // namespace securelogin::auth
