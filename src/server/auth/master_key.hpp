// master_key.hpp: the one secret that all others rest on.
//
// Never used itself: each purpose has a key of its own, derived with HKDF-SHA256 (RFC 5869), so that one that
// leaks gives away no other.  Immutable; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/secret.hpp"
#include "server/auth/hmac.hpp"

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
    [[nodiscard]] MasterKey clone() const { return MasterKey(bytes_.clone()); }

  private:
    Secret bytes_;
    std::uint32_t id_;
};

/// The master keys at hand, the oldest first: one, and a second while it is rotated.  Asked again where a key
/// is missed, so that a running program learns of a new one.  Any thread.  Throws std::runtime_error.
using MasterKeySource = std::function<std::vector<MasterKey>()>;

/// A key's id as people read it: 8 hexadecimal digits.
[[nodiscard]] std::string key_id_text(std::uint32_t id);

/// A name as counters and logs may hold it: what was typed may be a password.
using NameKey = std::array<std::uint8_t, 16>;

/// HMAC-SHA256 of a folded name under a key derived from the first master key, cut to 16 bytes.  Stays when
/// the master key is rotated: counters go on.  Any thread.
class NameKeyer {
  public:
    /// REQUIRES: `master` is the database's first; else the key is the one that was kept.
    explicit NameKeyer(const MasterKey& master) : NameKeyer(key_of(master)) {}
    /// `key` as key_of() made it.
    explicit NameKeyer(const Secret& key) : hmac_(key), key_(std::make_shared<const Secret>(key.clone())) {}

    [[nodiscard]] static Secret key_of(const MasterKey& master);
    [[nodiscard]] NameKey operator()(std::string_view typed) const;
    /// The same of what came from outside: a line break in it counts as `?`.  What has one is a message of
    /// our own (auth/invitation.cpp), and nobody is to have one keyed by typing it as a name.
    [[nodiscard]] NameKey of_typed(std::string_view typed) const;

    /// 32 bytes for another purpose that outlives a rotation of the master key.  Throws OpenSslError.
    [[nodiscard]] Secret derive(std::string_view purpose) const;

  private:
    Hmac hmac_;
    std::shared_ptr<const Secret> key_;
};

/// The first 8 hexadecimal digits, as logs show it.
[[nodiscard]] std::string short_form(const NameKey& key);

}  // namespace securelogin::auth
