#include "server/admin/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serializer.hpp>
#include <cerrno>
#include <iostream>
#include <system_error>

#include "server/admin/failure.hpp"

namespace securelogin::admin {
namespace {

constexpr std::size_t kBufferSize = 16384;  // octets
constexpr std::size_t kJsonChunk = 1024;    // octets
constexpr std::size_t kJsonMemorySize =
    16384;  // octets: a key URI, a password and their names, many times over

}  // namespace

Output::Output(int descriptor) : descriptor_(descriptor), buffer_(kBufferSize) {}

void Output::write(std::string_view text)
{
    while (!text.empty()) {
        if (filled_ == buffer_.size()) flush();
        const auto part = text.substr(0, buffer_.size() - filled_);
        std::ranges::copy(part, buffer_.chars().begin() + static_cast<std::ptrdiff_t>(filled_));
        filled_ += part.size();
        text.remove_prefix(part.size());
    }
}

void Output::write_json(const boost::json::value& value)
{
    Secret chunk(kJsonChunk);
    boost::json::serializer serializer;
    serializer.reset(&value);
    while (!serializer.done()) {
        const auto text = serializer.read(chunk.chars().data(), chunk.size());
        write(std::string_view(text.data(), text.size()));
    }
}

void Output::flush()
{
    auto rest = buffer_.view().substr(0, filled_);
    while (!rest.empty()) {
        const auto written = ::write(descriptor_, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            throw Failure(ExitCode::input_output,
                          "writing to stdout: " + std::generic_category().message(errno));
        }
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    filled_ = 0;
}

bool Output::is_terminal() const noexcept { return isatty(descriptor_) == 1; }

int Output::columns() const noexcept
{
    winsize size{};
    return ioctl(descriptor_, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void tell(const std::string& sentence)
{
    if (::isatty(STDERR_FILENO) == 1) std::cerr << sentence << '\n';
}

JsonMemory::JsonMemory() : memory_(kJsonMemorySize), resource_(memory_.bytes().data(), memory_.size()) {}

}  // namespace securelogin::admin
