// audit.hpp: what is written down of every attempt and every change, in the transaction of what it records.
#pragma once

#include <optional>
#include <string>

#include "server/auth/account.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/master_key.hpp"

namespace securelogin::auth {

struct AuditRecord {
    Time at;
    std::string event;                 // `login`, `user.add`, ...: docs/security.md lists them
    std::string outcome;               // `granted`, `refused`, `done`
    std::string reason = {};           // for the operator; empty where there is nothing to say
    std::optional<UserId> user = {};   // whose account, where there is one
    std::optional<NameKey> name = {};  // else what was typed, keyed
    std::string source = {};           // Source::address(), or `admin`
    std::string device = {};           // short_form() of the device that the attempt came from, if any
};

}  // namespace securelogin::auth
