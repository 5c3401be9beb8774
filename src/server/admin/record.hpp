// record.hpp: what a command did that changed no account, in the audit all the same.
#pragma once

#include <string>
#include <utility>

#include "server/auth/clock.hpp"
#include "server/auth/store.hpp"

namespace securelogin::admin {

/// On disk when this returns.  Throws auth::StoreError: then the command is not to go on.
inline void record(auth::Store& store, std::string event, std::string reason = {})
{
    const auth::AuditRecord done{.at = auth::SystemClock().now(),
                                 .event = std::move(event),
                                 .outcome = "done",
                                 .reason = std::move(reason),
                                 .source = "admin"};
    auth::transact(store, [&](auth::Transaction& transaction) { transaction.append_audit(done); });
}

}  // namespace securelogin::admin
