#include "server/auth/attempt_record.hpp"

namespace securelogin::auth {

AuditRecord record_of_attempt(const Claim& claim, const std::optional<Account>& account, AuditRecord record)
{
    if (account) {
        record.user = account->id;
    } else {
        record.name = claim.name_key;
    }
    record.source = claim.source.address();
    if (claim.device) record.device = short_form(*claim.device);
    return record;
}

}  // namespace securelogin::auth
