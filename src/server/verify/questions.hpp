// questions.hpp: the lines that somebody asks about tokens with, as they come in.
//
// Ended by LF; one CR before it is dropped; kLongestQuestion octets at most without the ending.  A token is a
// secret, so what has been answered is overwritten.  Pure: knows no socket.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "server/verify/limits.hpp"

namespace securelogin::verify {

class Questions {
  public:
    Questions() = default;
    ~Questions();
    Questions(const Questions&) = delete;
    Questions& operator=(const Questions&) = delete;

    /// Where the next octets go: never empty as long as next() has just answered "nothing yet".
    [[nodiscard]] std::span<char> space() noexcept;
    /// `count` octets have been put into space().  REQUIRES: count <= space().size().
    void received(std::size_t count) noexcept { end_ += count; }

    /// The next whole line, valid until the next call of any other member; nothing when more octets are
    /// needed, or it is too long.
    [[nodiscard]] std::optional<std::string_view> next() noexcept;
    /// Whether all that has come has been handed out.
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    /// Whether what is there is a line, or the beginning of one, that is too long: there is no next() any
    /// more.
    [[nodiscard]] bool too_long() const noexcept { return too_long_; }

  private:
    std::array<char, 2048> octets_{};
    std::size_t begin_ = 0;  // first octet not yet handed out
    std::size_t end_ = 0;    // one past the last received
    bool too_long_ = false;
};

}  // namespace securelogin::verify
