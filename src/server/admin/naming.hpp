// naming.hpp: the user that a command names.
#pragma once

#include <string>

#include "server/auth/user_name.hpp"

namespace securelogin::admin {

/// `doing` is what was being done, for the message.  Throws Failure (usage) when `typed` can be nobody's
/// name.
[[nodiscard]] auth::UserName require_name(const std::string& doing, const std::string& typed);

/// Throws Failure (no_such_user).
[[noreturn]] void no_such_user(const std::string& doing, const auth::UserName& name);

}  // namespace securelogin::admin
