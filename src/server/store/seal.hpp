// seal.hpp: values that the database keeps for us and cannot read.
//
// AES-256-GCM (NIST SP 800-38D) under a key derived from the master key, with a fresh random nonce each time.
// A sealed value is
//   key id (4 bytes, big endian) | nonce (12) | ciphertext | tag (16)
// and opens only under the same key and in the same place: table, column, user id, user name and key id are
// its additional data, so that whoever writes the database gains nothing by moving values between rows.
//
// Immutable; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "common/openssl.hpp"
#include "common/secret.hpp"
#include "server/auth/master_key.hpp"

namespace securelogin::store {

/// A sealed value that does not open: sealed under another key, altered, or moved.  Says which, and nothing
/// of the value.
class SealError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// A sealed value that is under another master key than the ones at hand.
class UnknownKey final : public SealError {
  public:
    using SealError::SealError;
};

/// Where a value belongs.
struct SealedPlace {
    std::string_view table;
    std::string_view column;
    std::int64_t user_id = 0;  // nought and empty for what is nobody's
    std::string_view user_name = {};
};

using SealedValue = std::vector<std::uint8_t>;

/// The key that it says it is sealed under; nothing for what is too short to be a sealed value.
[[nodiscard]] std::optional<std::uint32_t> key_id_of(std::span<const std::uint8_t> sealed);

/// Fresh random nonces, drawn many at a time: to draw one takes longer than to seal a value with it.
///
/// One thread.  REQUIRES: what forks does not go on sealing in both processes, which would use the same ones.
class Nonces {
  public:
    using Nonce = std::array<std::uint8_t, 12>;

    Nonces() = default;
    Nonces(const Nonces&) = delete;  // a copy would give out the same ones
    Nonces& operator=(const Nonces&) = delete;

    /// Each only once.  Throws OpenSslError.
    [[nodiscard]] Nonce next();

  private:
    static constexpr std::size_t kDrawn = 64;
    std::array<Nonce, kDrawn> drawn_{};
    std::size_t left_ = 0;
};

class Sealer {
  public:
    /// Throws OpenSslError.
    explicit Sealer(const auth::MasterKey& master);
    ~Sealer();
    Sealer(const Sealer&) = delete;
    Sealer& operator=(const Sealer&) = delete;

    /// Throws OpenSslError.
    [[nodiscard]] SealedValue seal(const Secret& value, const SealedPlace& place) const;
    /// For who seals one value after the other.
    [[nodiscard]] SealedValue seal(const Secret& value, const SealedPlace& place, Nonces& nonces) const;
    /// Throws SealError, OpenSslError.
    [[nodiscard]] Secret open(std::span<const std::uint8_t> sealed, const SealedPlace& place) const;

    [[nodiscard]] std::uint32_t key_id() const noexcept { return key_id_; }

  private:
    using Cipher = std::unique_ptr<EVP_CIPHER, OpenSslFree<EVP_CIPHER_free>>;

    /// Contexts that have the key: giving it to one costs more than sealing a value.
    class Contexts;
    enum class Direction : std::size_t { seal, open };

    [[nodiscard]] SealedValue seal(const Secret& value, const SealedPlace& place,
                                   const Nonces::Nonce& nonce) const;
    /// Gives it the nonce and the additional data.
    void start(EVP_CIPHER_CTX& context, std::span<const std::uint8_t> nonce, const SealedPlace& place) const;
    [[nodiscard]] CipherPtr take(Direction direction) const;
    /// Only of a use that went well.
    void give_back(Direction direction, CipherPtr context) const noexcept;

    const Cipher cipher_;
    const Secret key_;
    const std::uint32_t key_id_;
    const std::unique_ptr<Contexts> contexts_;
};

}  // namespace securelogin::store
