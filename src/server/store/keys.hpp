// keys.hpp: the master key that the database is under, and for a while the one that it was under before.
//
// Which one that is, the database says (installation.key_id); the keys themselves are the operator's, in a
// file or a credential, and are asked for again where one is missed.  So a daemon goes on while its master
// key is rotated, and keeps no retired one: what the file no longer holds opens nothing.
//
// Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "server/auth/audit_chain.hpp"
#include "server/auth/master_key.hpp"
#include "server/store/seal.hpp"

namespace securelogin::store {

class Keys {
  public:
    /// What is made of one master key.  Immutable.
    struct Key {
        explicit Key(const auth::MasterKey& master) : sealer(master), chain(master) {}
        Sealer sealer;
        auth::AuditChain chain;
    };

    /// Starts with the newest.  Throws what `source` throws.  REQUIRES: it has one at least.
    explicit Keys(auth::MasterKeySource source);

    /// The one in use, as far as this process knows.
    [[nodiscard]] std::shared_ptr<const Key> current() const;

    /// `id`, as the database says, is the one in use from now on.  Nothing, and the current one stays, when
    /// it is not at hand.  Throws auth::StoreError when the keys cannot be read.
    std::shared_ptr<const Key> use(std::uint32_t id);

    /// Under whichever key at hand it is sealed; `in_use` is what the database says with it, as for use(): a
    /// retired key opens nothing, not even in a program that has done nothing since.  Throws SealError,
    /// UnknownKey, OpenSslError, auth::StoreError.
    [[nodiscard]] Secret open(std::span<const std::uint8_t> sealed, const SealedPlace& place,
                              std::uint32_t in_use);

  private:
    [[nodiscard]] std::shared_ptr<const Key> find(std::uint32_t id) const;

    const auth::MasterKeySource source_;
    mutable std::mutex mutex_;
    std::shared_ptr<const Key> current_;  // guarded by mutex_
};

}  // namespace securelogin::store
