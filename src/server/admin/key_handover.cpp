#include "server/admin/key_handover.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "common/qr_code.hpp"
#include "common/text.hpp"
#include "server/admin/failure.hpp"

namespace securelogin::admin {
namespace {

/// https://no-color.org: set and not empty.
bool colours_wanted()
{
    const char* const no_color = std::getenv("NO_COLOR");
    if (no_color != nullptr && *no_color != '\0') return false;
    const char* const terminal = std::getenv("TERM");
    return terminal != nullptr && std::string_view(terminal) != "dumb";
}

QrCode encode(const Secret& uri)
{
    try {
        return QrCode::of(uri);
    } catch (const std::length_error& error) {
        throw Failure(
            ExitCode::configuration,
            fmt::format("drawing the QR code: {}: shorten the issuer in the settings", error.what()));
    }
}

}  // namespace

KeyHandover::KeyHandover(const QrOptions& options) : in_terminal_(options.terminal)
{
    if (options.file) file_ = std::make_unique<NewFile>(*options.file);
}

void KeyHandover::prepare(Secret uri)
{
    uri_ = std::move(uri);
    const auto code = encode(uri_);
    if (file_) file_->write(png_picture(code).view());
}

void KeyHandover::keep() noexcept
{
    if (file_) file_->keep();
}

void KeyHandover::hand_over(boost::json::object& result)
{
    keep();
    result["otpauth_uri"] = uri_.view();
    if (file_) {
        result["qr_file"] = printable(file_->path().string());  // JSON is UTF-8; a path may be anything
    } else {
        result["qr_file"] = nullptr;
    }
}

void KeyHandover::hand_over(Output& output)
{
    keep();
    if (in_terminal_ && output.is_terminal()) draw(output);
    output.write(uri_.view());
    output.write("\n");
}

void KeyHandover::draw(Output& output) const
{
    const auto code = encode(uri_);
    const auto [columns, rows] = terminal_cells(code);
    const int available = output.columns();
    if (available != 0 && available < columns) {
        std::cerr << fmt::format("the QR code takes {} columns and the terminal has {}: not drawn\n", columns,
                                 available);
        return;
    }
    output.write(terminal_picture(code, colours_wanted() ? Ink::colours : Ink::plain).view());
}

}  // namespace securelogin::admin
