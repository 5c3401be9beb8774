// line.hpp: octets from the wire, cut into lines.
//
// docs/protocol.md, "Lines": UTF-8 (RFC 3629), ended by LF; one CR before it is dropped; at most kLineLimit
// octets without the ending; no control characters (C0, DEL, C1).  What breaks this ends the connection, so a
// LineBuffer that has reported an error is not to be used again.
//
// Pure: knows no socket.  The buffer never holds more than one line's worth of octets, is taken when the
// first one arrives, and is wiped and freed when the last one has been read (a line may be a password).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "common/secret.hpp"

namespace securelogin {

inline constexpr std::size_t kLineLimit = 1024;  // octets, without CR LF

enum class LineError { too_long, control_character, malformed_utf8 };

/// What to tell the peer and the log: never holds a part of the line.
[[nodiscard]] std::string_view describe(LineError error) noexcept;

/// What is wrong with a line, its ending already removed; nothing when it may be used.
[[nodiscard]] std::optional<LineError> check_line(std::string_view line) noexcept;

class LineBuffer {
  public:
    /// Where the next octets go: never empty as long as next() has just answered "nothing yet".
    /// Valid until the next call of any other member.  Throws std::bad_alloc.
    [[nodiscard]] std::span<char> space();
    /// `count` octets have been put into space().  REQUIRES: count <= space().size().
    void received(std::size_t count) noexcept;

    /// The next whole line without its ending; nothing when more octets are needed; or what is wrong.
    struct Next {
        std::optional<Secret> line;
        std::optional<LineError> error;
    };
    [[nodiscard]] Next next();

    /// Octets received and not yet handed out.
    [[nodiscard]] std::size_t pending() const noexcept { return end_ - begin_; }

  private:
    static constexpr std::size_t kCapacity = kLineLimit + 2;  // a whole line with CR LF

    void compact() noexcept;

    Secret buffer_;          // empty, or kCapacity octets
    std::size_t begin_ = 0;  // first octet not yet handed out
    std::size_t end_ = 0;    // one past the last octet received
};

}  // namespace securelogin
