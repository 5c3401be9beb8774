// new_password.hpp: a password for an account, from whoever sets it, as the hash that is stored.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/secret.hpp"
#include "server/admin/options.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/password_rules.hpp"
#include "server/auth/phc.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::admin {

struct NewPassword {
    Secret phc;
    std::optional<Secret> generated = {};  // to be told to its owner
};

/// Takes it from where `from` says, holds it to `rules`, and hashes it.  On the terminal it is asked for
/// twice, three times over; elsewhere a bad one is a Failure at once.  Throws Failure, std::bad_alloc.
[[nodiscard]] NewPassword take_new_password(PasswordFrom from, const auth::UserName& whose,
                                            const auth::PasswordRules& rules,
                                            const auth::HashParameters& parameters, auth::Random& random);

/// One line of `descriptor` without its LF or CRLF, and not an octet more is read.  Throws Failure: nothing
/// at all is left to read, the line is longer than common/line.hpp allows, or it cannot be read.  `what` it
/// is stands in the message.
[[nodiscard]] Secret read_line(int descriptor, std::string_view what = "the password");

}  // namespace securelogin::admin
