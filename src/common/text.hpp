// text.hpp: what Unicode asks of us: decode UTF-8 (RFC 3629), tell what is printable, compose (NFC, UAX #15).
//
// Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/secret.hpp"

namespace securelogin {

struct DecodedCharacter {
    std::int32_t code_point;
    std::size_t octets;  // 1 to 4
};

/// The first character; nothing when `text` is empty or does not start with well-formed UTF-8 (overlong
/// forms, surrogates, truncated sequences and values beyond U+10FFFF are not).
[[nodiscard]] std::optional<DecodedCharacter> decode_utf8(std::string_view text) noexcept;

/// C0, DEL or C1.
[[nodiscard]] bool is_control(std::int32_t code_point) noexcept;

/// May be shown on a terminal or in a log: assigned, and no control, format (bidirectional overrides,
/// zero-width characters), surrogate, private-use, line or paragraph separator.
[[nodiscard]] bool is_printable(std::int32_t code_point) noexcept;

/// `text` with everything that is not printable, malformed octets included, as \xHH of its octets.
[[nodiscard]] std::string printable(std::string_view text);

/// The same with a backslash as \\: no two texts are shown alike.
[[nodiscard]] std::string escaped(std::string_view text);

/// The number of code points.  REQUIRES: well-formed UTF-8.
[[nodiscard]] std::size_t count_code_points(std::string_view text) noexcept;

/// The NFC form; nothing when `text` is not well-formed UTF-8.  No copy is left behind.
[[nodiscard]] std::optional<Secret> nfc(std::string_view text);

}  // namespace securelogin
