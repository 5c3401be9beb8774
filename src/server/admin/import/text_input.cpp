#include "server/admin/import/text_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "common/secret.hpp"
#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/import/import_row.hpp"

namespace securelogin::admin {
namespace {

[[noreturn]] void fail_to_read(const std::filesystem::path& path, const std::string& why)
{
    throw Failure(ExitCode::input_output, "reading " + printable(path.string()) + ": " + why);
}

}  // namespace

TextInput TextInput::open(const std::filesystem::path& file)
{
    Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!opened.is_open() || ::fstat(opened.get(), &status) != 0) fail_to_read(file, system_says());
    if (S_ISDIR(status.st_mode)) fail_to_read(file, "it is a directory: name a file");
    return {std::move(opened), file, static_cast<std::uint64_t>(status.st_size)};
}

TextInput::TextInput(Descriptor file, std::filesystem::path path, std::uint64_t size)
    : file_(std::move(file)),
      path_(std::move(path)),
      buffer_(std::make_unique<char[]>(kBufferSize)),
      size_(size)
{
}

TextInput::TextInput(std::string_view text)
    : buffer_(std::make_unique<char[]>(text.size() + 1)),
      capacity_(text.size()),
      filled_(text.size()),
      size_(text.size())
{
    std::ranges::copy(text, buffer_.get());
}

TextInput::~TextInput()
{
    // Not what was read last alone: an earlier read may have been longer.
    if (buffer_) wipe({buffer_.get(), capacity_});
}

TextInput::TextInput(TextInput&&) noexcept = default;

bool TextInput::fill()
{
    if (!file_.is_open()) return false;
    ssize_t count = 0;
    do {
        count = ::read(file_.get(), buffer_.get(), kBufferSize);
    } while (count < 0 && errno == EINTR);
    if (count < 0) fail_to_read(path_, system_says());
    if (count == 0) return false;
    before_ += filled_;
    at_ = 0;
    filled_ = static_cast<std::size_t>(count);
    return true;
}

std::string_view TextInput::look_ahead()
{
    (void)peek();
    return {buffer_.get() + at_, filled_ - at_};
}

TextInput::Line TextInput::next_line(std::string& line)
{
    wipe(line);
    line.clear();
    if (peek() == kEnd) return Line::none;
    bool whole = true;
    for (int octet = get(); octet != kEnd && octet != '\n'; octet = get()) {
        if (line.size() < kLongestRow) {
            line += static_cast<char>(octet);
        } else {
            whole = false;
        }
    }
    if (line.ends_with('\r')) line.pop_back();
    return whole ? Line::whole : Line::too_long;
}

}  // namespace securelogin::admin
