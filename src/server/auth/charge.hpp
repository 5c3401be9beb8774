// charge.hpp: what the failures of an attempt are counted against.
//
// Which charge is taken, kept and given back when, is the authenticator's to say (authenticator.hpp).
#pragma once

#include "server/auth/authenticator.hpp"
#include "server/auth/ceiling.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/source.hpp"
#include "server/auth/store.hpp"

namespace securelogin::auth {

/// The claim's own budget.  Only a device that has proved its key spends what is its own.
/// REQUIRES: claim.standing is set.
[[nodiscard]] Source budget_of(const Claim& claim);

/// Of a stranger's claim, what the name's ceiling was charged.  Others were not counted against it.
void give_back_ceiling(Transaction& transaction, const Claim& claim, const CeilingPolicy& policy, Time now);

}  // namespace securelogin::auth
