#include "client/tls_connection.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "client/failure.hpp"
#include "client/socket.hpp"

namespace securelogin::client {
namespace {

constexpr std::array<unsigned char, 6> kAlpn{5, 's', 'l', 'p', '/', '1'};
constexpr auto kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL";

SslContextPtr make_context()
{
    SslContextPtr context(SSL_CTX_new(TLS_client_method()));
    require(context != nullptr, "preparing TLS");
    require(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1, "asking for TLS 1.2 or later");
    require(SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers) == 1, "choosing ciphers");
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    // OpenSSL's convention is inverted here: 0 is success.
    require(SSL_CTX_set_alpn_protos(context.get(), kAlpn.data(), kAlpn.size()) == 0, "offering ALPN slp/1");
    return context;
}

bool is_end_of_stream(unsigned long error) noexcept
{
    return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

std::string why_cut(int system_error)
{
    return system_error == 0 ? "the server closed the connection"
                             : std::generic_category().message(system_error);
}

}  // namespace

TlsConnection::TlsConnection(const Destination& destination, const std::optional<std::filesystem::path>& ca,
                             Patience patience, ChooseDeviceKey choose)
    : name_(destination.host_and_port()), choose_(std::move(choose)), context_(make_context())
{
    if (choose_) offer_device_key();
    if (ca) require_chain(destination, *ca);  // a CA file that cannot be read is told before connecting
    socket_ = connect_to(destination, patience.connect);
    ssl_.reset(SSL_new(context_.get()));
    require(ssl_ != nullptr, "preparing TLS");
    require(SSL_set_fd(ssl_.get(), socket_.get()) == 1, "preparing TLS");
    if (!destination.is_address) {
        require(SSL_set_tlsext_host_name(ssl_.get(), destination.host.c_str()) == 1, "naming the server");
    }
    shake_hands(std::chrono::steady_clock::now() + patience.handshake);
    certificate_.reset(SSL_get1_peer_certificate(ssl_.get()));
    require(certificate_ != nullptr, "reading the server's certificate");
}

TlsConnection::~TlsConnection()
{
    if (ssl_ && !broken_) SSL_shutdown(ssl_.get());  // tells the server, waits for nothing
}

void TlsConnection::require_chain(const Destination& destination, const std::filesystem::path& ca)
{
    if (SSL_CTX_load_verify_file(context_.get(), ca.c_str()) != 1) {
        throw Failure(ExitCode::not_trusted, "reading the CA file " + ca.string() + ": " + openssl_error() +
                                                 ": it must be readable and hold certificates in PEM form");
    }
    auto* const wanted = SSL_CTX_get0_param(context_.get());
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set = destination.is_address ? X509_VERIFY_PARAM_set1_ip_asc(wanted, destination.host.c_str())
                                           : X509_VERIFY_PARAM_set1_host(wanted, destination.host.c_str(), 0);
    require(set == 1, "naming the server to look for in its certificate");
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
}

/// OpenSSL asks once the server's part of the handshake is over and before anything of ours follows: its
/// certificate has been checked, where there is a CA, and its CertificateVerify or key exchange always (RFC
/// 8446 section 4.4.2: a client answers a CertificateRequest after the server's Finished).
void TlsConnection::offer_device_key()
{
    const auto asked = [](SSL*, void* connection) {
        return static_cast<const TlsConnection*>(connection)->show_device_key() ? 1 : 0;
    };
    SSL_CTX_set_cert_cb(context_.get(), asked, this);
}

/// False ends the handshake.
bool TlsConnection::show_device_key() const
{
    if (SSL_version(ssl_.get()) < TLS1_3_VERSION) return true;
    const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    const DeviceKey* const shown = certificate != nullptr ? choose_(*certificate) : nullptr;
    if (shown == nullptr) return true;
    return SSL_use_certificate(ssl_.get(), &shown->certificate()) == 1 &&
           SSL_use_PrivateKey(ssl_.get(), &shown->key()) == 1;
}

void TlsConnection::shake_hands(Deadline deadline)
{
    for (;;) {
        ERR_clear_error();
        errno = 0;
        const int result = SSL_connect(ssl_.get());
        if (result == 1) return;
        const int reason = SSL_get_error(ssl_.get(), result);
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) handshake_failed(reason);
        if (!wait_for(socket_.get(), reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) {
            throw ConnectionLost(ExitCode::unavailable,
                                 "making the TLS connection to " + name_ +
                                     ": no answer in time: is securelogind running there?");
        }
    }
}

void TlsConnection::handshake_failed(int reason)
{
    const int system_error = errno;
    const auto doing = "making the TLS connection to " + name_ + ": ";
    const auto verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK && (SSL_CTX_get_verify_mode(context_.get()) & SSL_VERIFY_PEER) != 0) {
        throw Failure(ExitCode::not_trusted, "checking the certificate of " + name_ +
                                                 " against --ca: " + X509_verify_cert_error_string(verified) +
                                                 ": nothing was sent");
    }
    if (reason == SSL_ERROR_SYSCALL || is_end_of_stream(ERR_peek_error())) {
        throw ConnectionLost(
            ExitCode::unavailable,
            doing + why_cut(system_error) + ": it may be at its limit of connections: try again later");
    }
    throw Failure(ExitCode::protocol,
                  doing + openssl_error() + ": is it securelogind's TLS port, and not another service's?");
}

std::size_t TlsConnection::read(std::span<char> into, Deadline deadline)
{
    for (;;) {
        ERR_clear_error();
        errno = 0;
        std::size_t count = 0;
        const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
        if (result == 1) return count;
        if (!wait_after(result, deadline)) return 0;
    }
}

void TlsConnection::write(std::string_view bytes, Deadline deadline)
{
    for (;;) {
        ERR_clear_error();
        errno = 0;
        std::size_t count = 0;
        const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
        if (result == 1) return;
        if (wait_after(result, deadline)) continue;
        throw ConnectionLost(ExitCode::unavailable,
                             "sending to " + name_ + ": the server takes nothing: try again");
    }
}

bool TlsConnection::wait_after(int result, Deadline deadline)
{
    switch (const int reason = SSL_get_error(ssl_.get(), result); reason) {
        case SSL_ERROR_WANT_READ:
            return wait_for(socket_.get(), POLLIN, deadline);
        case SSL_ERROR_WANT_WRITE:
            return wait_for(socket_.get(), POLLOUT, deadline);
        default:
            broken_ = true;
            lost(reason);
    }
}

void TlsConnection::lost(int reason) const
{
    const int system_error = errno;
    const auto doing = "talking to " + name_ + ": ";
    if (reason == SSL_ERROR_SSL && !is_end_of_stream(ERR_peek_error())) {
        throw Failure(ExitCode::protocol, doing + openssl_error() +
                                              ": something between here and there may be "
                                              "changing the traffic");
    }
    throw ConnectionLost(ExitCode::unavailable, doing + "connection lost: " + why_cut(system_error));
}

}  // namespace securelogin::client
