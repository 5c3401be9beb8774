// base64.hpp: RFC 4648 section 4, as fingerprints and key files use it.  Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/secret.hpp"

namespace securelogin {

/// Without padding.
[[nodiscard]] std::string to_base64(std::span<const std::uint8_t> bytes);

/// Padded or not; nothing when `text` holds anything else, or bits that do not belong to a byte.
[[nodiscard]] std::optional<Secret> from_base64(std::string_view text);

}  // namespace securelogin
