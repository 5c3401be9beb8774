#include "server/net/tls.hpp"

#include <algorithm>
#include <string_view>

#include "common/certificate.hpp"
#include "server/net/device_certificate.hpp"

namespace securelogin::net {
namespace {

// Length first (RFC 7301 section 3.1).
constexpr std::string_view kAlpnOfLines = "\x05slp/1";
constexpr std::string_view kAlpnOfHttp = "\x08http/1.1";
constexpr long kLargestRecord = 4096;  // octets sent in one: the buffer that each write takes
constexpr auto kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

/// A client that names protocols must name ours: a web browser that has come to the wrong port is
/// told so by TLS (RFC 7301 section 3.2).
template <const std::string_view& kOurs>
int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void* /*argument*/)
{
    std::string_view rest(reinterpret_cast<const char*>(offered), offered_size);
    while (!rest.empty()) {
        const auto size = static_cast<unsigned char>(rest.front());
        if (rest.substr(0, size + 1U) == kOurs) {
            *chosen = reinterpret_cast<const unsigned char*>(kOurs.data()) + 1;
            *chosen_size = static_cast<unsigned char>(kOurs.size() - 1);
            return SSL_TLSEXT_ERR_OK;
        }
        rest.remove_prefix(std::min<std::size_t>(rest.size(), size + 1U));
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

SslContextPtr make_server_context(const TlsFiles& files, bool allow_tls12, Spoken spoken)
{
    SslContextPtr context(SSL_CTX_new(TLS_server_method()));
    require(context != nullptr, "setting up TLS");
    auto* const ctx = context.get();
    require(SSL_CTX_set_min_proto_version(ctx, allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1,
            "setting the TLS version");
    require(SSL_CTX_set_cipher_list(ctx, kTls12Ciphers) == 1, "setting the TLS 1.2 ciphers");
    require(SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1, "setting the TLS groups");
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_CLEANSE_PLAINTEXT);
    // No resumption (docs/decisions/0007): a resumed session would also bring along the device of the
    // handshake that it came from, without another proof that this client holds the device's key.
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_max_early_data(ctx, 0);
    // An idle connection keeps no buffers; a write may be taken up again from another address.
    SSL_CTX_set_mode(
        ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    require(SSL_CTX_set_max_send_fragment(ctx, kLargestRecord) == 1, "limiting TLS records");
    const bool lines = spoken == Spoken::lines;
    SSL_CTX_set_alpn_select_cb(ctx, lines ? choose_protocol<kAlpnOfLines> : choose_protocol<kAlpnOfHttp>,
                               nullptr);
    if (lines) ask_for_device_certificate(*ctx);
    require(SSL_CTX_use_certificate_chain_file(ctx, files.certificate.c_str()) == 1,
            "reading the certificate " + files.certificate.string());
    require(SSL_CTX_use_PrivateKey_file(ctx, files.key.c_str(), SSL_FILETYPE_PEM) == 1,
            "reading the private key " + files.key.string());
    require(SSL_CTX_check_private_key(ctx) == 1, files.key.string() + " is not the key of " +
                                                     files.certificate.string() +
                                                     ": name the two that belong together");
    return context;
}

std::string presented_fingerprint(const SSL_CTX& context)
{
    return fingerprint(*SSL_CTX_get0_certificate(&context));
}

SslPtr accept_side(SSL_CTX& context)
{
    SslPtr ssl(SSL_new(&context));
    require(ssl != nullptr, "setting up a TLS connection");
    SSL_set_accept_state(ssl.get());
    return ssl;
}

}  // namespace securelogin::net
