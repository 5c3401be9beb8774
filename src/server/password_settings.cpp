#include "server/password_settings.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace securelogin {

auth::PasswordRules password_rules(const Settings& settings)
{
    std::vector<std::string> context{settings.name, settings.issuer, "SecureLogin"};
    if (!settings.breached_passwords) return {std::move(context)};
    try {
        return {std::move(context),
                std::make_shared<const auth::BreachedPasswords>(*settings.breached_passwords)};
    } catch (const auth::BreachedPasswordsError& error) {
        throw StartupError(std::string(error.what()) +
                           ": or leave password.breached_passwords out of the settings");
    }
}

}  // namespace securelogin
