// attempt_record.hpp: an attempt as the audit has it.  Pure; any thread.
#pragma once

#include <optional>

#include "server/auth/account.hpp"
#include "server/auth/audit.hpp"
#include "server/auth/authenticator.hpp"

namespace securelogin::auth {

/// `record`, and of whose attempt it is: the account's, where there is one, else that of what was typed,
/// keyed.
[[nodiscard]] AuditRecord record_of_attempt(const Claim& claim, const std::optional<Account>& account,
                                            AuditRecord record);

}  // namespace securelogin::auth
