#include "client/key_picture.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

#include "client/failure.hpp"
#include "client/file_descriptor.hpp"
#include "client/private_file.hpp"
#include "common/qr_code.hpp"

namespace securelogin::client {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr auto kExists = "it exists: remove it, or choose another name";

QrCode encode(const Secret& uri)
{
    try {
        return QrCode::of(uri);
    } catch (const std::length_error&) {
        throw Failure(ExitCode::protocol, "drawing the QR code: the server's key is too long for one");
    }
}

}  // namespace

KeyPicture::KeyPicture(std::optional<std::filesystem::path> file, std::function<int()> columns)
    : file_(std::move(file)), columns_(std::move(columns))
{
    struct stat there{};
    if (file_ && ::lstat(file_->c_str(), &there) == 0) file_failure("writing", *file_, kExists);
}

KeyPicture::~KeyPicture()
{
    if (written_) ::unlink(file_->c_str());
}

void KeyPicture::show(const Secret& uri, Display& display)
{
    const auto code = encode(uri);
    if (file_) write_file(png_picture(code));
    if (!display.interactive()) {
        const std::array line{"otpauth " + std::string(uri.view())};
        return display.results(line);
    }
    const auto needed = terminal_cells(code).columns;
    const int columns = columns_();
    if (columns == 0 || columns >= needed) {
        display.say("Scan this with an authenticator app:");
        display.draw(terminal_picture(code, display.colour() ? Ink::colours : Ink::plain).view());
        display.say("Or enter the key by hand:");
    } else {
        display.say("The QR code takes " + std::to_string(needed) + " columns, and the terminal has " +
                    std::to_string(columns) + ".  Enter the key by hand:");
    }
    display.say(uri.view());
}

void KeyPicture::write_file(const Secret& png)
{
    const FileDescriptor opened(
        ::open(file_->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly));
    if (!opened.is_open() && errno == EEXIST) file_failure("writing", *file_, kExists);
    if (!opened.is_open()) file_failure("writing", *file_);
    written_ = true;
    if (!write_all(opened.get(), png.view()) || ::fsync(opened.get()) != 0) file_failure("writing", *file_);
}

}  // namespace securelogin::client
