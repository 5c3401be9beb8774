// password_rules.hpp: what a new password is held to on this server, whoever sets it: an enrolment, PASSWD,
// the administrator.
//
// password_policy.hpp with this server's own words, and the list of breached passwords where the settings
// name one.  A value: copies share the list.  Any thread.  Blocking: it reads that file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/secret.hpp"
#include "server/auth/breached_passwords.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::auth {

class PasswordRules {
  public:
    /// `context` are words that an attacker would try first: the product's, the host's.
    PasswordRules(std::vector<std::string> context, std::shared_ptr<const BreachedPasswords> breached = {})
        : context_(std::move(context)), breached_(std::move(breached))
    {
    }

    /// Why `password` (prepared) cannot be `user`'s, as a sentence for its owner; nothing when it can.
    /// Throws BreachedPasswordsError: then nobody knows, and it is not to be taken.
    [[nodiscard]] std::optional<std::string> why_refused(const Secret& password, const UserName& user) const;

  private:
    std::vector<std::string> context_;
    std::shared_ptr<const BreachedPasswords> breached_;
};

}  // namespace securelogin::auth
