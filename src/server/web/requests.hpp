// requests.hpp: what has come on a connection and has not been answered.
//
// Holds no socket: octets are put in.  What has been answered is wiped.  One thread at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "server/web/request_reader.hpp"

namespace securelogin::web {

class Requests {
  public:
    using Next = RequestReader::Next;

    /// What is to be answered next, the same until done(); null while not all of it is here.
    [[nodiscard]] const Next* next();
    /// The next has been answered.
    void done() noexcept;
    /// Nothing is here, of any request.
    [[nodiscard]] bool empty() const noexcept { return !next_ && reader_.empty(); }

    /// Of what has come and has not been read: the path of its first line, as far as there is one.  It may
    /// lie: good for the choice of a refusal's form, and nothing else.
    [[nodiscard]] std::string_view path_asked() const noexcept;

    /// RequestReader::space().  REQUIRES: next() is null.
    [[nodiscard]] std::span<char> space() { return reader_.space(); }
    void received(std::size_t count) noexcept { reader_.received(count); }

    /// Wipes what is here, and holds no memory any more.
    void forget() noexcept;

  private:
    RequestReader reader_;
    std::optional<Next> next_;
};

}  // namespace securelogin::web
