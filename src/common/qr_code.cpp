#include "common/qr_code.hpp"

#include <png.h>
#include <qrencode.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>

namespace securelogin {
namespace {

constexpr int kScreenQuietZone =
    2;                            // modules; the standard's four do not fit 80x24 and readers manage with two
constexpr int kPngQuietZone = 4;  // modules (ISO/IEC 18004, 6.3.8)
constexpr int kPngScale = 8;      // pixels a module
constexpr unsigned kDarkModule = 1;  // libqrencode's bit

constexpr std::string_view kBlackOnWhite = "\x1b[38;5;16;48;5;231m";
constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kUpperHalf = "\u2580";
constexpr std::string_view kLowerHalf = "\u2584";
constexpr std::string_view kWholeCell = "\u2588";
constexpr std::string_view kBlank = " ";
constexpr std::size_t kWidestCell = 3;  // octets in UTF-8

struct WipeAndFree {
    void operator()(QRcode* code) const noexcept
    {
        const auto modules = static_cast<std::size_t>(code->width) * static_cast<std::size_t>(code->width);
        wipe({reinterpret_cast<char*>(code->data), modules});
        QRcode_free(code);
    }
};

/// Appends to a Secret that was made large enough: one that grows would leave copies behind.
class Pen {
  public:
    explicit Pen(std::size_t capacity) : paper_(capacity) {}
    void write(std::string_view text)
    {
        if (text.size() > paper_.size() - written_)
            throw std::length_error("QR code: picture larger than planned");
        std::ranges::copy(text, paper_.chars().begin() + static_cast<std::ptrdiff_t>(written_));
        written_ += text.size();
    }
    [[nodiscard]] Secret finish()
    {
        paper_.truncate(written_);
        return std::move(paper_);
    }

  private:
    Secret paper_;
    std::size_t written_ = 0;
};

/// What to draw for two modules, one above the other, of which some are to be covered with the foreground.
std::string_view cell(bool upper, bool lower) noexcept
{
    if (upper) return lower ? kWholeCell : kUpperHalf;
    return lower ? kLowerHalf : kBlank;
}

}  // namespace

QrCode QrCode::of(const Secret& text)
{
    Secret terminated(text.size() + 1);
    std::ranges::copy(text.view(), terminated.chars().begin());
    // Mixed modes: a base32 secret is alphanumeric and takes two thirds of the room of octets.
    const std::unique_ptr<QRcode, WipeAndFree> code(
        QRcode_encodeString(terminated.chars().data(), 0, QR_ECLEVEL_L, QR_MODE_8, 1));
    if (!code && errno == ERANGE) throw std::length_error("a QR code cannot hold so long a text");
    if (!code && errno == ENOMEM) throw std::bad_alloc();
    if (!code) throw std::invalid_argument("a QR code cannot hold this text");

    const auto width = static_cast<std::size_t>(code->width);
    const std::span<const unsigned char> modules(code->data, width * width);
    Secret copy(modules.size());
    std::ranges::transform(modules, copy.chars().begin(),
                           [](unsigned char module) { return static_cast<char>(module & kDarkModule); });
    return {code->width, std::move(copy)};
}

bool QrCode::dark(int column, int row) const noexcept
{
    if (column < 0 || row < 0 || column >= size_ || row >= size_) return false;
    const auto index =
        static_cast<std::size_t>(row) * static_cast<std::size_t>(size_) + static_cast<std::size_t>(column);
    return modules_.view()[index] != 0;
}

Cells terminal_cells(const QrCode& code) noexcept
{
    const int modules = code.size() + 2 * kScreenQuietZone;
    return {modules, (modules + 1) / 2};
}

Secret terminal_picture(const QrCode& code, Ink ink)
{
    const bool colours = ink == Ink::colours;
    const auto [columns, rows] = terminal_cells(code);
    const auto widest_line =
        static_cast<std::size_t>(columns) * kWidestCell + kBlackOnWhite.size() + kReset.size() + 1;
    Pen pen(static_cast<std::size_t>(rows) * widest_line);

    const auto covered = [&](int column, int row) { return code.dark(column, row) == colours; };
    for (int row = -kScreenQuietZone; row < code.size() + kScreenQuietZone; row += 2) {
        if (colours) pen.write(kBlackOnWhite);
        for (int column = -kScreenQuietZone; column < code.size() + kScreenQuietZone; ++column) {
            pen.write(cell(covered(column, row), covered(column, row + 1)));
        }
        // Before the line ends: a terminal that scrolls fills the new line with the colour in force.
        if (colours) pen.write(kReset);
        pen.write("\n");
    }
    return pen.finish();
}

Secret png_picture(const QrCode& code)
{
    const int side = (code.size() + 2 * kPngQuietZone) * kPngScale;
    const auto stride = static_cast<std::size_t>(side);
    Secret pixels(stride * stride);  // indices into the colour map
    for (int y = 0; y < side; ++y) {
        for (int x = 0; x < side; ++x) {
            const bool dark = code.dark(x / kPngScale - kPngQuietZone, y / kPngScale - kPngQuietZone);
            pixels.chars()[static_cast<std::size_t>(y) * stride + static_cast<std::size_t>(x)] = dark ? 1 : 0;
        }
    }

    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = image.height = static_cast<png_uint_32>(side);
    image.format = PNG_FORMAT_RGB_COLORMAP;
    constexpr std::array<png_byte, 6> white_and_black{0xFF, 0xFF, 0xFF, 0, 0, 0};
    image.colormap_entries = white_and_black.size() / 3;  // two: libpng writes one bit a pixel

    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    Secret png(size);
    if (png_image_write_to_memory(&image, png.chars().data(), &size, 0, pixels.chars().data(), 0,
                                  white_and_black.data()) == 0) {
        throw std::runtime_error(std::string("making the PNG: ") + image.message);
    }
    png.truncate(size);
    return png;
}

}  // namespace securelogin
