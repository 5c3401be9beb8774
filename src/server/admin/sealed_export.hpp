// sealed_export.hpp: accounts on their way elsewhere, under a passphrase.
//
//   SECURELOGIN-EXPORT-1 LF | Argon2id's memory in KiB (4 bytes, big endian) | passes (4) | salt (16) |
//   chunks
//
// A chunk is 64 KiB of what is sealed, AES-256-GCM (NIST SP 800-38D) under the key that Argon2id (RFC 9106)
// makes of passphrase and salt, and its tag (16 bytes); the last one is shorter, or as long.  Its nonce is
// its number (11 bytes, big endian, from nought) and 1 for the last chunk, 0 for the others: none can be
// dropped, repeated, moved or cut off (the STREAM construction, https://eprint.iacr.org/2015/189).  The
// additional data is all that stands before the chunks.  The salt is fresh, so that no key seals twice.
//
// One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "common/secret.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/passphrase_key.hpp"

namespace securelogin::admin {

/// What every sealed export begins with.
inline constexpr std::string_view kSealedExport = "SECURELOGIN-EXPORT-1\n";
/// Octets of all that stands before the chunks.
inline constexpr std::size_t kSealedHeader = kSealedExport.size() + 8 + auth::kPassphraseSalt;

/// It does not open: no export, another passphrase, changed or cut off.  Says which as far as can be told.
class ExportError final : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// What the key of an export with this header costs.  Pure.  Throws ExportError where it is none, or asks for
/// more or less than it may: a file may come from anybody.
[[nodiscard]] auth::HashParameters cost_of_key(std::string_view header);

/// One chunk at a time; shared by both directions.
class ChunkCipher {
  public:
    static constexpr std::size_t kChunk = 65536;  // octets in clear
    static constexpr std::size_t kTag = 16;

    ChunkCipher(Secret key, std::string header) : key_(std::move(key)), header_(std::move(header)) {}

    /// Into `out`, which has room for plain.size() + kTag.  Throws OpenSslError.
    void seal(std::span<const char> plain, bool last, std::span<char> out);
    /// The chunk in clear; nothing where it is not the one that is due.  Throws OpenSslError.
    [[nodiscard]] std::optional<Secret> open(std::span<const char> sealed, bool last);

  private:
    const Secret key_;
    const std::string header_;
    std::uint64_t number_ = 0;
};

class SealedWriter {
  public:
    using Sink = std::function<void(std::string_view)>;

    /// Takes some tenths of a second, and 256 MiB.  Throws what `sink` throws, OpenSslError, std::bad_alloc.
    SealedWriter(const Secret& passphrase, auth::Random& random, Sink sink,
                 const auth::HashParameters& cost = auth::kPassphraseCost);

    void write(std::string_view plain);
    /// REQUIRES: nothing is written after it.  Without it, nothing of what was written can be read.
    void finish();

  private:
    void put(bool last);

    const Sink sink_;
    std::optional<ChunkCipher> cipher_;
    Secret chunk_;
    std::size_t filled_ = 0;
};

class SealedReader {
  public:
    /// Up to so many octets; nought at the end only.
    using Source = std::function<std::size_t(std::span<char>)>;

    /// Takes some tenths of a second.  Throws ExportError, OpenSslError, std::bad_alloc, and what `source`
    /// throws.
    SealedReader(const Secret& passphrase, Source source);
    /// Of what follows `header`, whose key is known.
    SealedReader(Secret key, std::string header, Source source);

    /// The next piece in clear; nothing once all of it has been given, and its end is genuine.  Throws
    /// ExportError where the rest is not what was written: then what was given before is not to be used
    /// either.
    [[nodiscard]] std::optional<Secret> next();

  private:
    void fill();

    const Source source_;
    std::optional<ChunkCipher> cipher_;
    Secret buffer_;  // a chunk, and the first octet behind it, which tells that it is not the last
    std::size_t filled_ = 0;
    bool first_ = true;
    bool ended_ = false;
};

}  // namespace securelogin::admin
