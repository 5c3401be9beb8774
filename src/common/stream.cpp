#include "common/stream.hpp"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>
#include <climits>
#include <exception>

namespace securelogin {
namespace asio = boost::asio;
namespace {

/// Octets of a peer that goes on talking after goodbye.
constexpr std::size_t kMostDiscarded = std::size_t{4} << 20U;

boost::system::error_code last_system_error() { return {errno, boost::system::system_category()}; }

}  // namespace

Stream::Stream(Socket socket, SslPtr ssl) : state_(std::make_shared<State>(std::move(socket), std::move(ssl)))
{
    state_->socket.native_non_blocking(true);
    if (state_->ssl) secure(std::move(state_->ssl));
}

void Stream::secure(SslPtr ssl)
{
    if (SSL_set_fd(ssl.get(), state_->socket.native_handle()) != 1) {
        throw OpenSslError("giving OpenSSL a socket");
    }
    state_->ssl = std::move(ssl);
}

Stream::~Stream()
{
    if (state_) state_->deadline.cancel();
}

void Stream::expires_at(TimePoint deadline)
{
    state_->expired = false;
    state_->due = deadline;
    if (state_->awake || state_->deadline.expiry() > deadline) wake_in_time(state_);
}

void Stream::wake_in_time(const std::shared_ptr<State>& state)
{
    const auto wake = state->due;
    state->deadline.expires_at(wake);  // aborts the wait before
    state->awake = false;
    state->deadline.async_wait([weak = std::weak_ptr(state), wake](Error error) {
        const auto asleep = weak.lock();
        // A handler that was already on its way when an earlier wake was set is not aborted: it is told by
        // its time.
        if (error || !asleep || asleep->deadline.expiry() != wake) return;
        asleep->awake = true;
        try {
            if (std::chrono::steady_clock::now() < asleep->due) return wake_in_time(asleep);
        } catch (const std::exception&) {
            asleep->awake = true;  // out of memory: it expires now rather than never
        }
        asleep->expired = true;
        asleep->socket.cancel(error);
    });
}

std::size_t Stream::try_read_some(asio::mutable_buffer into, Error& error)
{
    return at_once([&] { return state_->read(into); }, error);
}

std::size_t Stream::try_write_some(asio::const_buffer from, Error& error)
{
    return at_once([&] { return state_->write(from); }, error);
}

template <typename Try>
std::size_t Stream::at_once(Try attempt, Error& error)
{
    const auto outcome = state_->expired ? Outcome{.error = asio::error::timed_out} : attempt();
    error = outcome.want == Outcome::Want::nothing ? outcome.error : asio::error::would_block;
    return outcome.count;
}

void Stream::cancel() noexcept
{
    Error ignored;
    state_->socket.cancel(ignored);
}

Stream::Outcome Stream::State::handshake()
{
    if (!ssl) return {};
    ERR_clear_error();
    errno = 0;
    return of_ssl(SSL_do_handshake(ssl.get()));
}

Stream::Outcome Stream::State::peek()
{
    char first = 0;
    if (ssl) {
        ERR_clear_error();
        const auto outcome = of_ssl(SSL_peek(ssl.get(), &first, 1));
        // The end is for the read to tell.
        return outcome.want == Outcome::Want::nothing ? Outcome{} : outcome;
    }
    const auto count = ::recv(socket.native_handle(), &first, 1, MSG_PEEK);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {.want = Outcome::Want::read};
    return {};
}

Stream::Outcome Stream::State::read(asio::mutable_buffer into)
{
    if (into.size() == 0) return {};
    if (said_goodbye) return {.error = asio::error::eof};
    if (ssl) {
        ERR_clear_error();
        return of_ssl(
            SSL_read(ssl.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX))));
    }
    const auto count = ::recv(socket.native_handle(), into.data(), into.size(), 0);
    if (count > 0) return {.count = static_cast<std::size_t>(count)};
    if (count == 0) return {.error = asio::error::eof};
    if (errno == EAGAIN || errno == EINTR) return {.want = Outcome::Want::read};
    return {.error = last_system_error()};
}

Stream::Outcome Stream::State::write(asio::const_buffer from)
{
    if (from.size() == 0) return {};
    if (said_goodbye) return {.error = asio::error::shut_down};
    if (ssl) {
        ERR_clear_error();
        return of_ssl(
            SSL_write(ssl.get(), from.data(), static_cast<int>(std::min<std::size_t>(from.size(), INT_MAX))));
    }
    const auto count = ::send(socket.native_handle(), from.data(), from.size(), MSG_NOSIGNAL);
    if (count >= 0) return {.count = static_cast<std::size_t>(count)};
    if (errno == EAGAIN || errno == EINTR) return {.want = Outcome::Want::write};
    return {.error = last_system_error()};
}

Stream::Outcome Stream::State::close()
{
    if (!said_goodbye) {
        said_goodbye = true;
        ERR_clear_error();
        if (ssl && SSL_is_init_finished(ssl.get()) == 1) SSL_shutdown(ssl.get());
        ERR_clear_error();
        // What the peer still says is not even decrypted: a slow goodbye costs a descriptor and nothing more.
        ssl.reset();
        Error ignored;
        socket.shutdown(Socket::shutdown_send, ignored);
    }
    std::array<char, 4096> unread{};
    while (discarded < kMostDiscarded) {
        const auto count = ::recv(socket.native_handle(), unread.data(), unread.size(), 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {.want = Outcome::Want::read};
        if (count <= 0) break;
        discarded += static_cast<std::size_t>(count);
    }
    return {};
}

Stream::Outcome Stream::State::of_ssl(int result) const
{
    if (result > 0) return {.count = static_cast<std::size_t>(result)};
    switch (SSL_get_error(ssl.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return {.want = Outcome::Want::read};
        case SSL_ERROR_WANT_WRITE:
            return {.want = Outcome::Want::write};
        case SSL_ERROR_ZERO_RETURN:
            return {.error = asio::error::eof};
        case SSL_ERROR_SYSCALL:
            if (errno != 0) return {.error = last_system_error()};
            return {.error = asio::ssl::error::stream_truncated};
        default:
            return {.error = Error(static_cast<int>(ERR_get_error()), asio::error::get_ssl_category())};
    }
}

}  // namespace securelogin
