#include "bench/support/population.hpp"

#include <liboath/oath.h>
#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace securelogin::bench {
namespace {

constexpr std::size_t kSecretSize = 20;  // bytes: RFC 4226's, and what an authenticator app expects
constexpr unsigned kDigits = 6;

}  // namespace

auth::UserId id_of(UserNumber user) { return auth::UserId{(std::int64_t{user} + 1) << 31}; }

std::string name_of(UserNumber user)
{
    std::array<char, 16> text{};
    const int size = std::snprintf(text.data(), text.size(), "user%08u", user);
    return {text.data(), static_cast<std::size_t>(size)};
}

Secret totp_secret_of(UserNumber user)
{
    const auto seed = "benchmark " + name_of(user);
    Secret secret(kSecretSize);
    if (EVP_Digest(seed.data(), seed.size(), secret.bytes().data(), nullptr, EVP_sha1(), nullptr) != 1) {
        throw std::runtime_error("making up a TOTP secret");
    }
    return secret;
}

std::string code_of(UserNumber user, auth::TimeStep step)
{
    const auto secret = totp_secret_of(user);
    std::array<char, kDigits + 1> code{};
    const int result =
        oath_hotp_generate(secret.chars().data(), secret.size(), static_cast<std::uint64_t>(step), kDigits,
                           false, OATH_HOTP_DYNAMIC_TRUNCATION, code.data());
    if (result != OATH_OK)
        throw std::runtime_error(std::string("computing a code: ") + oath_strerror(result));
    return {code.data(), kDigits};
}

}  // namespace securelogin::bench
