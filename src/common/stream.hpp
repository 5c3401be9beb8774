// stream.hpp: a byte stream over a connected socket, in clear or in TLS, with a deadline built in.
//
// Meets Asio's AsyncReadStream and AsyncWriteStream, so that Asio's and Beast's algorithms run over it.
// OpenSSL works on the descriptor itself and the socket is only asked for readiness: an idle TLS connection
// then costs OpenSSL's own state and no buffers of ours (docs/decisions/0004-own-tls-stream.md).
//
// One deadline is in force at a time, set by expires_at() and absolute: a peer that sends a byte a second
// does not extend it.  Once it has passed, pending and later operations fail with asio::error::timed_out
// until a new one is set.  To put it off costs nothing, however often: the timer looks again when it wakes.
//
// Not safe for concurrent use: all calls on the socket's executor, which must be a strand where several
// threads run it. At most one operation at a time.  REQUIRES: the process ignores SIGPIPE.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "common/openssl.hpp"

namespace securelogin {
namespace detail {

/// Tells of the deadline, where that has ended an operation.  Otherwise it is the handler: its executor, its
/// memory (boost::asio::associator, below).
template <typename Handler>
struct Received {
    const bool* expired;
    Handler handler;

    void operator()(boost::system::error_code error, std::size_t count)
    {
        if (error == boost::asio::error::operation_aborted && *expired) error = boost::asio::error::timed_out;
        std::move(handler)(error, count);
    }
};

}  // namespace detail

class Stream {
  public:
    using Socket = boost::asio::generic::stream_protocol::socket;
    using executor_type = Socket::executor_type;
    using TimePoint = std::chrono::steady_clock::time_point;

    /// In clear.  Throws boost::system::system_error when the socket cannot be made non-blocking.
    explicit Stream(Socket socket) : Stream(std::move(socket), nullptr) {}
    /// In TLS: `ssl` is in accept or connect state (SSL_set_accept_state), async_handshake comes first.
    Stream(Socket socket, SslPtr ssl);
    ~Stream();
    Stream(Stream&&) noexcept = default;
    Stream& operator=(Stream&&) noexcept = default;

    [[nodiscard]] executor_type get_executor() const noexcept { return state_->socket.get_executor(); }
    [[nodiscard]] Socket& socket() noexcept { return state_->socket; }
    /// nullptr when in clear, and from async_close on.
    [[nodiscard]] SSL* ssl() const noexcept { return state_->ssl.get(); }

    /// In TLS from here on: `ssl` as for the constructor.  REQUIRES: in clear, and nothing pending.
    /// Throws OpenSslError.
    void secure(SslPtr ssl);

    void expires_at(TimePoint deadline);

    /// Pending operations fail with asio::error::operation_aborted; later ones are not affected.
    void cancel() noexcept;

    /// void(error_code).  Nothing to do in clear.
    template <typename Token>
    auto async_handshake(Token&& token)
    {
        return run<void(Error)>([state = state_.get()] { return state->handshake(); },
                                std::forward<Token>(token));
    }

    /// void(error_code).  Completes when async_read_some would not have to wait: who waits needs no buffer.
    template <typename Token>
    auto async_wait_readable(Token&& token)
    {
        return run<void(Error)>([state = state_.get()] { return state->peek(); }, std::forward<Token>(token));
    }

    /// void(error_code, size_t); asio::error::eof when the peer has ended its side.
    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token)
    {
        const boost::asio::mutable_buffer into = first_of<boost::asio::mutable_buffer>(buffers);
        if (ssl() == nullptr && into.size() > 0) {
            return boost::asio::async_initiate<Token, void(Error, std::size_t)>(
                Receive{.state = state_.get(), .into = into}, token);
        }
        return run<void(Error, std::size_t)>([state = state_.get(), into] { return state->read(into); },
                                             std::forward<Token>(token));
    }

    // At once or not at all: asio::error::would_block, and no octets, when that would mean to wait.  Fails as
    // the asynchronous ones do.

    /// What async_wait_readable() has told of.
    std::size_t try_read_some(boost::asio::mutable_buffer into, boost::system::error_code& error);
    /// What has not been sent is to be sent by async_write_some, and is to stay where it is meanwhile.
    std::size_t try_write_some(boost::asio::const_buffer from, boost::system::error_code& error);

    /// void(error_code, size_t).
    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& buffers, Token&& token)
    {
        const boost::asio::const_buffer from = first_of<boost::asio::const_buffer>(buffers);
        return run<void(Error, std::size_t)>([state = state_.get(), from] { return state->write(from); },
                                             std::forward<Token>(token));
    }

    /// void(error_code).  Says goodbye (close_notify, FIN) and reads on, discarding a bounded sum, until the
    /// peer does the same or the deadline passes: a socket closed over unread octets would be reset, and the
    /// last reply lost with it.
    template <typename Token>
    auto async_close(Token&& token)
    {
        return run<void(Error)>([state = state_.get()] { return state->close(); },
                                std::forward<Token>(token));
    }

  private:
    using Error = boost::system::error_code;

    /// What one non-blocking try came to.
    struct Outcome {
        enum class Want { nothing, read, write } want = Want::nothing;
        Error error = {};
        std::size_t count = 0;
    };

    /// Shared with the deadline's handler, which may come late.
    struct State {
        State(Socket s, SslPtr tls)
            : socket(std::move(s)), ssl(std::move(tls)), deadline(socket.get_executor())
        {
        }
        [[nodiscard]] Outcome handshake();
        [[nodiscard]] Outcome peek();
        [[nodiscard]] Outcome read(boost::asio::mutable_buffer into);
        [[nodiscard]] Outcome write(boost::asio::const_buffer from);
        [[nodiscard]] Outcome close();
        [[nodiscard]] Outcome of_ssl(int result) const;

        Socket socket;
        SslPtr ssl;
        boost::asio::steady_timer deadline;  // wakes then, or before
        TimePoint due = {};
        bool awake = true;  // the timer is not set
        bool expired = false;
        bool said_goodbye = false;
        std::size_t discarded = 0;  // octets read by close()
    };

    template <typename Buffer, typename Buffers>
    static Buffer first_of(const Buffers& buffers)
    {
        for (auto at = boost::asio::buffer_sequence_begin(buffers);
             at != boost::asio::buffer_sequence_end(buffers); ++at) {
            if (Buffer(*at).size() > 0) return *at;
        }
        return {};
    }

    /// In clear the socket reads by itself: it need not be told again that readiness is wanted, which would
    /// be a system call.
    struct Receive {
        State* state;
        boost::asio::mutable_buffer into;

        template <typename Handler>
        void operator()(Handler&& handler) const
        {
            detail::Received<std::decay_t<Handler>> received{.expired = &state->expired,
                                                             .handler = std::forward<Handler>(handler)};
            if (!state->expired && !state->said_goodbye) {
                return state->socket.async_receive(into, std::move(received));
            }
            const Error error = state->expired
                                    ? boost::asio::error::make_error_code(boost::asio::error::timed_out)
                                    : boost::asio::error::make_error_code(boost::asio::error::eof);
            // Never complete inside the initiating call.
            const auto executor =
                boost::asio::get_associated_executor(received, state->socket.get_executor());
            boost::asio::defer(executor,
                               [received = std::move(received), error]() mutable { received(error, 0); });
        }
    };

    /// Tries until the try wants nothing more, waiting for readiness in between.
    template <typename Signature, typename Try>
    struct Operation {
        State* state;
        Try attempt;
        bool waited = false;
        Outcome outcome = {};

        template <typename Self>
        void operator()(Self& self, Error error = {})
        {
            if (waited && outcome.want == Outcome::Want::nothing) return finish(self);
            if (state->expired) {
                outcome = {.error = boost::asio::error::timed_out};
            } else if (error) {
                outcome = {.error = error};
            } else {
                outcome = attempt();
            }
            if (outcome.want != Outcome::Want::nothing) {
                waited = true;
                state->socket.async_wait(
                    outcome.want == Outcome::Want::read ? Socket::wait_read : Socket::wait_write,
                    std::move(self));
                return;
            }
            if (waited) return finish(self);
            waited = true;  // never complete inside the initiating call
            const auto executor = state->socket.get_executor();
            boost::asio::defer(executor, std::move(self));
        }

        template <typename Self>
        void finish(Self& self)
        {
            if constexpr (std::is_same_v<Signature, void(Error)>) {
                self.complete(outcome.error);
            } else {
                self.complete(outcome.error, outcome.count);
            }
        }
    };

    template <typename Signature, typename Try, typename Token>
    auto run(Try attempt, Token&& token)
    {
        return boost::asio::async_compose<Token, Signature>(
            Operation<Signature, Try>{.state = state_.get(), .attempt = std::move(attempt)}, token,
            state_->socket);
    }

    template <typename Try>
    std::size_t at_once(Try attempt, Error& error);
    static void wake_in_time(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;
};

}  // namespace securelogin

template <template <typename, typename> class Associator, typename Handler, typename Default>
struct boost::asio::associator<Associator, securelogin::detail::Received<Handler>, Default>
    : Associator<Handler, Default> {
    static auto get(const securelogin::detail::Received<Handler>& received) noexcept
    {
        return Associator<Handler, Default>::get(received.handler);
    }
    static auto get(const securelogin::detail::Received<Handler>& received, const Default& fallback) noexcept
    {
        return Associator<Handler, Default>::get(received.handler, fallback);
    }
};
