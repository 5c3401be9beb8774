// recovery_codes.hpp: the way in for somebody whose phone is gone: ten codes, each of which works once.
//
// A code is 16 characters of an alphabet of 32 without look-alikes, which is 80 bits, shown in four groups of
// four with hyphens.  It is never six to eight digits, so that it cannot be taken for a one-time code (RFC
// 6238). ASVS 5.0 6.5.1 and 6.5.2: used once, kept as a keyed hash only.
//
// Pure but for the CSPRNG handed in; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/secret.hpp"
#include "server/auth/account.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/hmac.hpp"
#include "server/auth/master_key.hpp"

namespace securelogin::auth {

inline constexpr std::size_t kRecoveryCodes = 10;  // that are made together

/// From so few on, their holder is told at each login how many are left.
inline constexpr int kFewRecoveryCodes = 3;

/// kRecoveryCodes of them, no two alike, as they are shown: `XXXX-XXXX-XXXX-XXXX`.
[[nodiscard]] std::vector<Secret> generate_recovery_codes(Random& random);

/// What was typed, as it is hashed: upper case, without hyphens; nothing when it has not the form of a
/// recovery code.  Nothing else is mapped, and nothing is trimmed.
[[nodiscard]] std::optional<Secret> parse_recovery_code(std::string_view typed);

/// All that is kept of a code.
using RecoveryCodeHash = std::array<std::uint8_t, 32>;

/// HMAC-SHA256 of a user's id and a code, under a key that is derived from the names' key and so stays when
/// the master key is rotated (docs/decisions/0029).  The same code of two users has two hashes.
class RecoveryCodeKeyer {
  public:
    explicit RecoveryCodeKeyer(const NameKeyer& names);

    /// REQUIRES: `code` is what parse_recovery_code() gave.  Throws OpenSslError.
    [[nodiscard]] RecoveryCodeHash operator()(UserId user, std::string_view code) const;

    /// Of each, in their order.  REQUIRES: `codes` are generate_recovery_codes()'s.  Throws OpenSslError.
    [[nodiscard]] std::vector<RecoveryCodeHash> hashes(UserId user, std::span<const Secret> codes) const;

  private:
    Hmac hmac_;
};

}  // namespace securelogin::auth
