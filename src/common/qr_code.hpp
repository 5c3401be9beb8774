// qr_code.hpp: a text as a QR code (ISO/IEC 18004), for a phone that holds no other way in.
//
// Encoded by libqrencode at level L, the smallest picture there is: it is read off a screen, where nothing is
// torn or stained.  A picture of a secret is the secret, so modules and pictures are Secrets too.
// Pure; any thread.
#pragma once

#include <string_view>

#include "common/secret.hpp"

namespace securelogin {

class QrCode {
  public:
    /// Throws std::length_error when `text` is longer than a QR code can hold (2,953 octets),
    /// std::bad_alloc.  REQUIRES: text is not empty and holds no NUL.
    [[nodiscard]] static QrCode of(const Secret& text);

    /// Modules on each side, quiet zone not counted: 21 to 177.
    [[nodiscard]] int size() const noexcept { return size_; }
    /// False outside the symbol, where the quiet zone is.
    [[nodiscard]] bool dark(int column, int row) const noexcept;

  private:
    QrCode(int size, Secret modules) : size_(size), modules_(std::move(modules)) {}
    int size_;
    Secret modules_;  // row by row, an octet each: nought is light
};

/// How a terminal is told what is dark.
enum class Ink {
    /// Black on white by number (xterm's 16 and 231, which no palette changes), whatever the terminal's own
    /// colours.
    colours,
    /// No escape codes: what is light is drawn and what is dark is left blank, right on a dark background. On
    /// a light one
    /// the picture is a negative.
    plain,
};

/// Two modules in a cell (U+2580, U+2584, U+2588, blank), lines ended by LF.
[[nodiscard]] Secret terminal_picture(const QrCode& code, Ink ink);

/// The cells that terminal_picture takes, quiet zone of two modules included.
struct Cells {
    int columns;
    int rows;
};
[[nodiscard]] Cells terminal_cells(const QrCode& code) noexcept;

/// One bit a pixel, 8 pixels a module, quiet zone of four modules: less than 2 kB for a key URI.
/// Throws std::runtime_error, std::bad_alloc.
[[nodiscard]] Secret png_picture(const QrCode& code);

}  // namespace securelogin
