// password_settings.hpp: what the settings say of new passwords, made into the rules.
#pragma once

#include "server/auth/password_rules.hpp"
#include "server/config.hpp"

namespace securelogin {

/// The server's own words, and the list of breached passwords, opened and looked at in some places, where the
/// settings name one.  Throws StartupError, which names that file.
[[nodiscard]] auth::PasswordRules password_rules(const Settings& settings);

}  // namespace securelogin
