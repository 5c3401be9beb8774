// server.hpp: the server as the exchange meets it: lines go, replies come.
//
// It is not trusted to behave.  What is not a reply (docs/protocol.md, "Replies") is a Failure (protocol); a
// reply has at most kMostFacts fact lines, a line at most kLineLimit octets and no control characters; and
// the whole of a reply is waited for under one deadline, so that a slow one does not hold the client.
// One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "client/failure.hpp"
#include "client/wire.hpp"
#include "common/line.hpp"
#include "common/reply.hpp"

namespace securelogin::client {

inline constexpr std::size_t kMostFacts = 100;  // in one reply

class Server {
  public:
    /// `name` is how messages call it.  `wire` must outlive it.
    Server(Wire& wire, std::string name) : wire_(wire), name_(std::move(name)) {}

    /// Throws ConnectionLost, also after `patience`; Failure (protocol).
    [[nodiscard]] Reply next_reply(std::chrono::milliseconds patience);

    /// REQUIRES: check_line(line) has nothing against it.  Throws ConnectionLost; but where the server said
    /// something before it left, that is next_reply()'s to tell.
    void send(std::string_view line);

    /// Whether next_reply() would have something at once: a line, or the connection's end.
    /// Throws Failure (protocol).
    [[nodiscard]] bool has_spoken();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] int descriptor() const noexcept { return wire_.descriptor(); }

    /// Throws Failure (protocol): the server did `what`.
    [[noreturn]] void broke_the_protocol(std::string_view what) const;

  private:
    [[nodiscard]] Secret next_line(Deadline deadline);
    [[nodiscard]] std::optional<Secret> take_line();
    void receive(Deadline deadline);

    Wire& wire_;
    std::string name_;
    LineBuffer buffer_;
    std::optional<Secret> ahead_;         // read by has_spoken()
    std::optional<ConnectionLost> lost_;  // met by has_spoken()
};

}  // namespace securelogin::client
