#include "server/verify/questions.hpp"

#include <algorithm>
#include <cstring>

#include "common/secret.hpp"

namespace securelogin::verify {

Questions::~Questions() { wipe(std::span(octets_).first(end_)); }

std::span<char> Questions::space() noexcept
{
    if (begin_ > 0) {
        // At most one line's worth: next() has handed out all that were whole.
        std::memmove(octets_.data(), octets_.data() + begin_, end_ - begin_);
        wipe(std::span(octets_).subspan(end_ - begin_, begin_));
        end_ -= begin_;
        begin_ = 0;
    }
    return std::span(octets_).subspan(end_);
}

std::optional<std::string_view> Questions::next() noexcept
{
    const std::string_view unread(octets_.data() + begin_, end_ - begin_);
    const auto length = unread.substr(0, kLongestQuestion + 2).find('\n');
    if (too_long_ || length == std::string_view::npos) {
        too_long_ = too_long_ || unread.size() > kLongestQuestion + 1;
        return std::nullopt;
    }
    auto line = unread.substr(0, length);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > kLongestQuestion) {
        too_long_ = true;
        return std::nullopt;
    }
    begin_ += length + 1;
    return line;
}

}  // namespace securelogin::verify
