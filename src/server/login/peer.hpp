// peer.hpp: the other end of a conversation, whatever it is connected by.
//
// A conversation says things and asks questions; how octets travel, and for how long they may, is the peer's
// business. What ends a conversation from outside is an exception, so that a conversation reads as what
// happens when all goes well; whoever runs it catches these once, and denies.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <exception>
#include <optional>

#include "common/line.hpp"
#include "common/reply.hpp"
#include "common/secret.hpp"
#include "server/auth/device.hpp"
#include "server/auth/source.hpp"

namespace securelogin::login {

/// The peer has closed, or cannot be reached any more: there is nobody left to tell.
class PeerLeft : public std::exception {
  public:
    [[nodiscard]] const char* what() const noexcept override { return "peer left"; }
};

/// An answer did not come in time.
class TimedOut : public std::exception {
  public:
    [[nodiscard]] const char* what() const noexcept override { return "timeout"; }
};

/// The server is stopping, and there is no answer waiting to be judged.
class ShuttingDown : public std::exception {
  public:
    [[nodiscard]] const char* what() const noexcept override { return "shutting down"; }
};

/// What arrived is not a line (docs/protocol.md, "Lines").
class MalformedLine : public std::exception {
  public:
    explicit MalformedLine(LineError error) noexcept : error_(error) {}
    [[nodiscard]] const char* what() const noexcept override { return describe(error_).data(); }

  private:
    LineError error_;
};

/// All members on the conversation's executor, one at a time.
class Peer {
  public:
    /// How long an answer may take.
    enum class Patience {
        answer,     // a question's: the deadline of each answer, and while logging in, of the whole login
        enrolment,  // one in an enrolment, for which an invitation has been shown; a login that comes after
                    // it has all of its time again
        idle        // between commands
    };

    virtual ~Peer() = default;

    /// Queues a reply: it goes out with the next question, or at the end.
    virtual void say(const Reply& reply) = 0;

    /// Sends what is queued and waits for a line.  Throws PeerLeft, TimedOut, ShuttingDown, MalformedLine.
    [[nodiscard]] virtual boost::asio::awaitable<Secret> answer(Patience patience) = 0;

    /// The login is over: its deadline no longer counts.
    virtual void logged_in() = 0;

    [[nodiscard]] virtual const auth::Source& source() const = 0;
    /// The device that the peer has proved to be; nothing where it has shown none.
    [[nodiscard]] virtual const std::optional<auth::DeviceFingerprint>& device() const = 0;
    /// Tells connections apart in the log.
    [[nodiscard]] virtual std::uint64_t connection() const = 0;
};

}  // namespace securelogin::login
