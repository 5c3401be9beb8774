// device_key.hpp: the key by which a server knows this machine and this user of it again.
//
// One for each server, so that two servers cannot tell that they have the same visitor.  It is no credential:
// without password and code it lets nobody in (docs/protocol.md, "Known devices").  It is made when it is
// first wanted, and whatever has become of it, a login does without: a key that is missing, damaged, or might
// be known to somebody else is replaced by a new one, which is a new device to the server.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/openssl.hpp"
#include "common/secret.hpp"

namespace securelogin::client {

/// ECDSA P-256, with a certificate that nobody has signed but the key itself and that names nobody.
class DeviceKey {
  public:
    /// A new one.  Throws OpenSslError.
    [[nodiscard]] static DeviceKey make();
    /// From PKCS #8 in PEM (RFC 5958, RFC 7468); nothing when it is anything but a P-256 key.
    [[nodiscard]] static std::optional<DeviceKey> parse(const Secret& pem);

    /// As parse() takes it.  Throws OpenSslError.
    [[nodiscard]] Secret pem() const;

    [[nodiscard]] EVP_PKEY& key() const noexcept { return *key_; }
    [[nodiscard]] X509& certificate() const noexcept { return *certificate_; }

  private:
    explicit DeviceKey(PkeyPtr key);

    PkeyPtr key_;
    X509Ptr certificate_;
};

/// A directory of keys, one file a server.
class DeviceKeys {
  public:
    explicit DeviceKeys(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// The key for one server (Destination::host_and_port()), made where there is none that can be used.  On
    /// disk when this returns, 0600 in a directory of 0700; two programs may ask at once and get the same.
    /// Throws Failure (not_trusted) when it cannot be kept, or when others may write the directory;
    /// OpenSslError.
    [[nodiscard]] DeviceKey for_server(const std::string& host_and_port) const;

    /// Where for_server() keeps it.  Other octets of the name than a-z, 0-9, '.', '-' and '_' are %XX: no
    /// name leads out of the directory, and no two share a file.
    [[nodiscard]] std::filesystem::path file_for(const std::string& host_and_port) const;

  private:
    std::filesystem::path directory_;
};

/// Beside known_hosts.  Throws Failure (not_trusted) when there is no home directory.
[[nodiscard]] std::filesystem::path device_key_directory();

}  // namespace securelogin::client
