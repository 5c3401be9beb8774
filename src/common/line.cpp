#include "common/line.hpp"

#include <algorithm>
#include <cassert>

#include "common/text.hpp"

namespace securelogin {

std::string_view describe(LineError error) noexcept
{
    switch (error) {
        case LineError::too_long:
            return "line longer than 1024 octets";
        case LineError::control_character:
            return "control character in line";
        case LineError::malformed_utf8:
            return "line is not UTF-8";
    }
    return "malformed line";
}

std::optional<LineError> check_line(std::string_view line) noexcept
{
    if (line.size() > kLineLimit) return LineError::too_long;
    for (std::size_t at = 0; at < line.size();) {
        const auto decoded = decode_utf8(line.substr(at));
        if (!decoded) return LineError::malformed_utf8;
        if (is_control(decoded->code_point)) return LineError::control_character;
        at += decoded->octets;
    }
    return std::nullopt;
}

std::span<char> LineBuffer::space()
{
    if (buffer_.empty()) buffer_ = Secret(kCapacity);
    return buffer_.chars().subspan(end_);
}

void LineBuffer::received(std::size_t count) noexcept
{
    assert(count <= kCapacity - end_);
    end_ += count;
}

LineBuffer::Next LineBuffer::next()
{
    const auto pending = buffer_.view().substr(begin_, end_ - begin_);
    const auto lf = pending.find('\n');
    if (lf == std::string_view::npos) {
        if (pending.size() >= kCapacity || (pending.size() > kLineLimit && pending.back() != '\r')) {
            return {.line = {}, .error = LineError::too_long};
        }
        compact();
        return {};
    }
    auto line = pending.substr(0, lf);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const auto error = check_line(line)) return {.line = {}, .error = error};
    Next next{.line = Secret::copy_of(line), .error = {}};
    wipe(buffer_.chars().subspan(begin_, lf + 1));
    begin_ += lf + 1;
    if (begin_ == end_) {
        buffer_.clear();
        begin_ = end_ = 0;
    }
    return next;
}

void LineBuffer::compact() noexcept
{
    if (begin_ == 0) return;
    const auto all = buffer_.chars();
    std::copy(all.begin() + static_cast<std::ptrdiff_t>(begin_),
              all.begin() + static_cast<std::ptrdiff_t>(end_), all.begin());
    const auto moved = end_ - begin_;
    wipe(all.subspan(moved, end_ - moved));
    begin_ = 0;
    end_ = moved;
}

}  // namespace securelogin
