// colour.hpp: a colour of sRGB, and whether what is written in it can be read (WCAG 2.2, 1.4.3: contrast).
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace securelogin::web {

struct Colour {
    std::uint8_t red = 0, green = 0, blue = 0;

    /// "#rrggbb", in any case; nothing for anything else.
    [[nodiscard]] static std::optional<Colour> parse(std::string_view text) noexcept;
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Colour&, const Colour&) = default;
};

inline constexpr Colour kBlack{0, 0, 0};
inline constexpr Colour kWhite{255, 255, 255};

/// 1 to 21, as WCAG defines it; the order is no matter.
[[nodiscard]] double contrast(Colour one, Colour other) noexcept;

/// Black or white, whichever reads better on it: 4.58 to 1 at least, on every colour.
[[nodiscard]] Colour ink_on(Colour paper) noexcept;

/// So many hundredths of the way to the other.  REQUIRES: 0 to 100.
[[nodiscard]] Colour mixed(Colour from, Colour to, int hundredths) noexcept;

/// The colour, or the nearest to it on its way to black on light paper, to white on dark, that has at least
/// `ratio` to 1 on it.  REQUIRES: ratio <= 4.5.
[[nodiscard]] Colour readable_on(Colour paper, Colour colour, double ratio) noexcept;

}  // namespace securelogin::web
