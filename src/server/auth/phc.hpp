// phc.hpp: Argon2id hashes as PHC strings, `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`
// (https://github.com/P-H-C/phc-string-format; RFC 9106).
//
// A stored string decides how much work a login costs, so its parameters are checked here before any is done.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace securelogin::auth {

inline constexpr std::size_t kBytesPerKib = 1024;

struct HashParameters {
    std::uint32_t memory_kib = 19456;
    std::uint32_t passes = 2;
    std::uint32_t lanes = 1;

    friend bool operator==(const HashParameters&, const HashParameters&) = default;
};

inline constexpr HashParameters kFloor{};                  // weaker ones are never made (OWASP; RFC 9106)
inline constexpr HashParameters kCeiling{262144, 16, 16};  // dearer ones are never computed: 256 MiB

/// The parameters of a well-formed Argon2id version 19 string within kCeiling, salt of 8 to 48 bytes and hash
/// of 16 to 64 bytes; nothing for any other.  Weaker ones than kFloor are accepted: they are verified, then
/// renewed.
[[nodiscard]] std::optional<HashParameters> parse_phc(std::string_view phc) noexcept;

}  // namespace securelogin::auth
