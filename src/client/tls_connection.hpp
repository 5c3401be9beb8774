// tls_connection.hpp: a TLS connection to a destination (docs/protocol.md, "Transport").
//
// TLS 1.3, or 1.2 with an AEAD cipher and forward secrecy; ALPN slp/1; the host's name as SNI; no resumption,
// no renegotiation.  Without a CA file it proves only that the peer holds the key of certificate(): whether
// that key is the right one is trust.hpp's to decide, BEFORE the first write().
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "client/destination.hpp"
#include "client/device_key.hpp"
#include "client/wire.hpp"
#include "common/openssl.hpp"

namespace securelogin::client {

/// The key to show to the server that has proved to hold the key of `certificate`; nullptr for none.  Asked
/// at most once for each connection, within the handshake, and only by a server that asks for it over
/// TLS 1.3: before 1.3 anyone on the way could read who comes.  Must not throw; what it returns must outlive
/// the handshake.
using ChooseDeviceKey = std::function<const DeviceKey*(const X509& certificate)>;

class TlsConnection : public Wire {
  public:
    struct Patience {
        std::chrono::milliseconds connect = std::chrono::seconds(10);  // for each address
        std::chrono::milliseconds handshake = std::chrono::seconds(30);
    };

    /// Connects and shakes hands.  With `ca` (a PEM file) the certificate must lead to one of those in it and
    /// name the destination's host.  Without `choose` no device key is shown.
    /// Throws Failure: unavailable, protocol (no TLS there), not_trusted (the certificate, or the CA file).
    TlsConnection(const Destination& destination, const std::optional<std::filesystem::path>& ca,
                  Patience patience, ChooseDeviceKey choose = {});
    ~TlsConnection() override;
    TlsConnection(const TlsConnection&) = delete;
    TlsConnection& operator=(const TlsConnection&) = delete;

    /// What the server has proved to hold the key of.
    [[nodiscard]] const X509& certificate() const noexcept { return *certificate_; }

    [[nodiscard]] std::size_t read(std::span<char> into, Deadline deadline) override;
    void write(std::string_view bytes, Deadline deadline) override;
    [[nodiscard]] int descriptor() const noexcept override { return socket_.get(); }

  private:
    void require_chain(const Destination& destination, const std::filesystem::path& ca);
    void offer_device_key();
    [[nodiscard]] bool show_device_key() const;
    void shake_hands(Deadline deadline);
    [[noreturn]] void handshake_failed(int reason);
    /// Waits for what OpenSSL asks for; false when the deadline came first.  Throws when there is nothing to
    /// wait for.
    [[nodiscard]] bool wait_after(int result, Deadline deadline);
    [[noreturn]] void lost(int reason) const;

    std::string name_;  // for messages
    ChooseDeviceKey choose_;
    SslContextPtr context_;
    FileDescriptor socket_;
    SslPtr ssl_;
    X509Ptr certificate_;
    bool broken_ = false;  // nothing more may be asked of ssl_
};

}  // namespace securelogin::client
