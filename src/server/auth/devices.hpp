// devices.hpp: what may be done with the devices of a user, by their holder.
//
// Writes the audit record that the administrator's forgetting writes, in the same transaction:
// `user.forget-device`, the short fingerprint as its reason, the holder's source.  What is refused changes
// nothing and writes nothing.  Immutable after construction; any thread.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "server/auth/clock.hpp"
#include "server/auth/device.hpp"
#include "server/auth/session.hpp"
#include "server/auth/sessions.hpp"
#include "server/auth/store.hpp"

namespace securelogin::auth {

class Devices {
  public:
    /// The clock must outlive this.
    Devices(const SessionPolicy& policy, const Clock& clock) : sessions_(policy, clock), clock_(clock) {}

    // By the holder of `own`.  Nothing when that has ended meanwhile.

    /// The last seen first.
    [[nodiscard]] std::optional<std::vector<Device>> list(Transaction& transaction, const Session& own) const;
    /// `which` as is_named_by() has it.  False where none, or more than one, is meant by it.
    [[nodiscard]] std::optional<bool> forget(Transaction& transaction, const Session& own,
                                             std::string_view which) const;

  private:
    const Sessions sessions_;
    const Clock& clock_;
};

}  // namespace securelogin::auth
