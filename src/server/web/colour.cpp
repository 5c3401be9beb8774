#include "server/web/colour.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace securelogin::web {
namespace {

/// WCAG 2.2, "relative luminance".
double linear(std::uint8_t channel) noexcept
{
    const double value = channel / 255.0;
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

double luminance(Colour colour) noexcept
{
    return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue);
}

std::uint8_t mixed_channel(std::uint8_t from, std::uint8_t to, int hundredths) noexcept
{
    return static_cast<std::uint8_t>((from * (100 - hundredths) + to * hundredths + 50) / 100);
}

}  // namespace

std::optional<Colour> Colour::parse(std::string_view text) noexcept
{
    if (text.size() != 7 || text.front() != '#') return std::nullopt;
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), value, 16);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return Colour{static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 8 & 0xFF),
                  static_cast<std::uint8_t>(value & 0xFF)};
}

std::string Colour::text() const { return fmt::format("#{:02x}{:02x}{:02x}", red, green, blue); }

double contrast(Colour one, Colour other) noexcept
{
    const double a = luminance(one) + 0.05;
    const double b = luminance(other) + 0.05;
    return a > b ? a / b : b / a;
}

Colour ink_on(Colour paper) noexcept
{
    return contrast(paper, kWhite) >= contrast(paper, kBlack) ? kWhite : kBlack;
}

Colour mixed(Colour from, Colour to, int hundredths) noexcept
{
    return {mixed_channel(from.red, to.red, hundredths), mixed_channel(from.green, to.green, hundredths),
            mixed_channel(from.blue, to.blue, hundredths)};
}

Colour readable_on(Colour paper, Colour colour, double ratio) noexcept
{
    const auto ink = ink_on(paper);
    for (int hundredths = 0; hundredths < 100; ++hundredths) {
        const auto candidate = mixed(colour, ink, hundredths);
        if (contrast(candidate, paper) >= ratio) return candidate;
    }
    return ink;
}

}  // namespace securelogin::web
