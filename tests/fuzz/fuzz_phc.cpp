// A stored password hash.  What parse_phc lets through, libsodium must read in the same way: it decides the
// cost.
#include <sodium.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/auth/phc.hpp"
#include "tests/fuzz/expect.hpp"

using namespace securelogin::auth;
using securelogin::fuzz::expect;

namespace {

constexpr int kSameParameters = 0;
constexpr std::size_t kBytesPerKib = 1024;

/// What libsodium makes of `phc`, without hashing; it reads one lane, and 127 octets at most, like this.
int read_by_libsodium(const std::string& phc, const HashParameters& parameters)
{
    return crypto_pwhash_argon2id_str_needs_rehash(phc.c_str(), parameters.passes,
                                                   parameters.memory_kib * kBytesPerKib);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string phc(reinterpret_cast<const char*>(data), size);
    const auto parameters = parse_phc(phc);
    if (!parameters) return 0;

    expect(parameters->memory_kib <= kCeiling.memory_kib && parameters->passes <= kCeiling.passes);
    expect(parameters->lanes >= 1 && parameters->lanes <= kCeiling.lanes);
    expect(parameters->memory_kib >= 8 * parameters->lanes && parameters->passes >= 1);
    const auto cost = "m=" + std::to_string(parameters->memory_kib) +
                      ",t=" + std::to_string(parameters->passes) + ",p=" + std::to_string(parameters->lanes) +
                      '$';
    expect(phc.starts_with("$argon2id$v=19$" + cost));
    if (phc.size() < crypto_pwhash_argon2id_STRBYTES)
        expect(read_by_libsodium(phc, *parameters) == kSameParameters);
    return 0;
}
