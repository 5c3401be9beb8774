// invitation_commands.hpp: `user invite`, and what other commands have to do with invitations.
#pragma once

#include <chrono>
#include <string>

#include "server/admin/installation.hpp"
#include "server/admin/options.hpp"
#include "server/admin/output.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::admin {

void run(const Options& options, const UserInvite& command, Output& output);

/// Takes the key of an account away and invites its holder to another enrolment.  Throws Failure where there
/// is no such user.
void reset_by_invitation(const Options& options, const auth::UserName& name, std::chrono::seconds lasts,
                         Output& output);

/// Throws Failure (cannot_create) where the name has an invitation that still stands.
void require_not_invited(const Installation& installation, const std::string& doing,
                         const auth::UserName& name);

/// False when the name has none.
[[nodiscard]] bool withdraw_invitation(const Installation& installation, const auth::UserName& name);

}  // namespace securelogin::admin
