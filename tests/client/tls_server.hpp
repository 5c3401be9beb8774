// tls_server.hpp: a TLS server on a loopback port that asks who comes, and says nothing.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "client/destination.hpp"
#include "client/file_descriptor.hpp"
#include "common/certificate.hpp"
#include "common/openssl.hpp"

namespace securelogin::client {

/// A P-256 key and a self-signed certificate for 127.0.0.1.
struct ServerIdentity {
    PkeyPtr key{EVP_EC_gen("P-256")};
    X509Ptr certificate{X509_new()};

    ServerIdentity()
    {
        auto* const x509 = certificate.get();
        X509_set_version(x509, X509_VERSION_3);
        X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
        X509_gmtime_adj(X509_getm_notAfter(x509), 24L * 3600);
        X509_set_pubkey(x509, key.get());
        X509_EXTENSION* const names =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
        X509_add_ext(x509, names, -1);
        X509_EXTENSION_free(names);
        if (X509_sign(x509, key.get(), EVP_sha256()) <= 0) throw OpenSslError("signing");
    }

    void save(const std::filesystem::path& file) const
    {
        const BioPtr bio(BIO_new_file(file.c_str(), "w"));
        if (!bio || PEM_write_bio_X509(bio.get(), certificate.get()) != 1) throw OpenSslError("saving");
    }
};

class TlsServer {
  public:
    struct Manner {
        bool asks = true;
        int newest = TLS1_3_VERSION;
        bool changes = false;  // shows another key from the second connection on
    };

    explicit TlsServer(Manner manner)
        : manner_(manner), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 4) != 0 ||
            ::getsockname(listener_.get(), generic, &size) != 0) {
            throw std::runtime_error("listening");
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~TlsServer()
    {
        if (thread_.joinable()) (void)visitors();
    }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    [[nodiscard]] Destination destination() const { return {{}, "127.0.0.1", port_, true}; }
    [[nodiscard]] const ServerIdentity& identity() const { return identity_; }
    [[nodiscard]] std::string shown() const { return fingerprint(*identity_.certificate); }

    /// Who came, a connection an entry: `nobody` without a certificate, else its fingerprint; `failed` where
    /// the handshake did.  Ends the server.  REQUIRES: the clients have left.
    std::vector<std::string> visitors()
    {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
        return visitors_;
    }

  private:
    void serve()
    {
        sigset_t broken_pipe;  // a client that has left while we write is no end of the test
        sigemptyset(&broken_pipe);
        sigaddset(&broken_pipe, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
        for (;;) {
            const FileDescriptor peer(::accept(listener_.get(), nullptr, nullptr));
            if (!peer.is_open()) return;
            const bool other = manner_.changes && !visitors_.empty();
            visitors_.push_back(receive(peer, other ? other_ : identity_));
        }
    }

    std::string receive(const FileDescriptor& peer, const ServerIdentity& identity) const
    {
        const SslContextPtr context(SSL_CTX_new(TLS_server_method()));
        SSL_CTX_set_max_proto_version(context.get(), manner_.newest);
        SSL_CTX_use_certificate(context.get(), identity.certificate.get());
        SSL_CTX_use_PrivateKey(context.get(), identity.key.get());
        if (manner_.asks) {
            SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
            SSL_CTX_set_cert_verify_callback(
                context.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
        }
        const SslPtr ssl(SSL_new(context.get()));
        SSL_set_fd(ssl.get(), peer.get());
        if (SSL_accept(ssl.get()) != 1) return "failed";
        const X509* const shown = SSL_get0_peer_certificate(ssl.get());
        auto visitor = shown == nullptr ? "nobody" : fingerprint(*shown);
        char byte = 0;
        if (SSL_read(ssl.get(), &byte, 1) > 0) visitor += " spoke";
        return visitor;
    }

    const Manner manner_;
    ServerIdentity identity_;
    ServerIdentity other_;
    FileDescriptor listener_;
    std::uint16_t port_ = 0;
    std::vector<std::string> visitors_;
    std::thread thread_;
};

}  // namespace securelogin::client
