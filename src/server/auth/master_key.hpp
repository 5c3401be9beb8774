// master_key.hpp: the one secret that all others rest on.
//
// Never used itself: each purpose has a key of its own, derived with HKDF-SHA256 (RFC 5869), so that one that
// leaks gives away no other.  Immutable; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/secret.hpp"

namespace securelogin::auth {

class MasterKey {
  public:
    static constexpr std::size_t kSize = 32;  // bytes

    /// REQUIRES: bytes.size() == kSize.
    explicit MasterKey(Secret bytes);

    /// 32 bytes for one purpose.  Throws OpenSslError.
    [[nodiscard]] Secret derive(std::string_view purpose) const;

    /// Tells keys apart without telling anything of them.
    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }

    [[nodiscard]] const Secret& bytes() const noexcept { return bytes_; }

  private:
    Secret bytes_;
    std::uint32_t id_;
};

/// A name as counters and logs may hold it: what was typed may be a password.
using NameKey = std::array<std::uint8_t, 16>;

/// HMAC-SHA256 of a folded name under a key derived from the master key, cut to 16 bytes.  Any thread.
class NameKeyer {
  public:
    explicit NameKeyer(const MasterKey& master);
    [[nodiscard]] NameKey operator()(std::string_view typed) const;

  private:
    Secret key_;
};

/// The first 8 hexadecimal digits, as logs show it.
[[nodiscard]] std::string short_form(const NameKey& key);

}  // namespace securelogin::auth
