#include "server/auth/charge.hpp"

namespace securelogin::auth {

Source budget_of(const Claim& claim)
{
    if (claim.standing != Standing::known_device) return claim.source;
    return Source::of_device(to_string(*claim.device));
}

void give_back_ceiling(Transaction& transaction, const Claim& claim, const CeilingPolicy& policy, Time now)
{
    if (claim.standing != Standing::stranger) return;
    const auto ceiling = transaction.ceiling(claim.name_key);
    if (ceiling) transaction.save_ceiling(claim.name_key, without_charge(ceiling, policy, now));
}

}  // namespace securelogin::auth
