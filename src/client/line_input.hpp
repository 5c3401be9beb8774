// line_input.hpp: lines from a terminal, a pipe or a command, read while other things are looked at too.
//
// One thread.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "common/line.hpp"
#include "common/secret.hpp"

namespace securelogin::client {

/// What came of waiting for a line.
struct Answer {
    enum class Kind { given, end_of_input, server_spoke };
    Kind kind;
    Secret line = {};  // when given
};

/// Something else that may happen while a person is thinking.
struct Watch {
    int descriptor;
    short events;  // poll(2)
    /// Asked before each wait and after each event; true ends the wait with server_spoke.  May throw.
    std::function<bool()> fired;
};

class LineInput {
  public:
    /// `descriptor` stays its owner's.
    explicit LineInput(int descriptor) noexcept : descriptor_(descriptor) {}

    /// The next line without its ending; one that the input ends without is a line too.  What cannot be sent
    /// (common/line.hpp) is `malformed`, and what was read of it is dropped.  Throws std::system_error.
    struct Next {
        Answer answer;
        std::optional<LineError> malformed;
    };
    [[nodiscard]] Next next(std::span<const Watch> watches);

  private:
    /// Waits; false when a watch has ended the wait.
    [[nodiscard]] bool wait(std::span<const Watch> watches) const;
    void read_some();
    [[nodiscard]] std::optional<Next> take();

    int descriptor_;
    LineBuffer buffer_;
    bool ended_ = false;
};

}  // namespace securelogin::client
