// A key URI out of another program's file.  What is taken is a key that this program could have made, and its
// own URI is read back as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "server/auth/otpauth_uri.hpp"
#include "tests/fuzz/expect.hpp"

using namespace securelogin::auth;
using securelogin::fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view uri(reinterpret_cast<const char*>(data), size);
    (void)parse_base32_key(uri);
    const auto parsed = parse_otpauth_uri(uri);
    const auto* const key = std::get_if<TotpKey>(&parsed);
    if (key == nullptr) return 0;
    expect(key->secret.size() >= kShortestTotpSecret && key->secret.size() <= kLongestTotpSecret);
    expect(key->parameters.digits == 6 || key->parameters.digits == 8);
    expect(key->parameters.period.count() >= 10 && key->parameters.period.count() <= 300);

    const auto again = parse_otpauth_uri(key_uri("Issuer", "alice", key->secret, key->parameters).view());
    const auto* const same = std::get_if<TotpKey>(&again);
    expect(same != nullptr && same->secret.view() == key->secret.view() &&
           same->parameters == key->parameters);
    return 0;
}
