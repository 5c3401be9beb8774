// display.hpp: what the client shows, and the one gate between the server's words and a terminal.
//
// Results go to standard output for whatever reads it; everything else goes to the terminal, or to standard
// error where there is none.  All of it passes printable() (common/text.hpp): no escape sequence,
// bidirectional override or control character of a hostile server's gets through, into a pipe neither.  One
// thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace securelogin::client {

class Display {
  public:
    using Sink = std::function<void(std::string_view)>;  // may throw Failure
    struct Style {
        bool interactive;  // a person watches: say how things go; else only what went wrong
        bool colour;
    };

    Display(Sink results, Sink words, Style style)
        : results_(std::move(results)), words_(std::move(words)), style_(style)
    {
    }

    /// Lines for standard output, together.
    void results(std::span<const std::string> lines);
    /// For a person only.
    void say(std::string_view text);
    /// A picture of this program's own making, colours and all; for a person only.
    void draw(std::string_view picture);
    /// Something that must not be overlooked.
    void warn(std::string_view text);
    /// Something did not work: `securelogin: doing: why`, or only `why` to a person who just asked for it.
    void complain(std::string_view doing, std::string_view why);

    [[nodiscard]] bool interactive() const noexcept { return style_.interactive; }
    [[nodiscard]] bool colour() const noexcept { return style_.colour; }

  private:
    Sink results_;
    Sink words_;
    Style style_;
};

}  // namespace securelogin::client
