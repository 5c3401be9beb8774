// present_password.hpp: a new password is to be another one.
#pragma once

#include "common/secret.hpp"
#include "server/auth/authenticator.hpp"
#include "server/auth/user_name.hpp"
#include "server/login/readers.hpp"

namespace securelogin::login {

inline constexpr const char* kSamePassword = "It is the one that you have: use another.";

/// Whether `name` has an account with this password.  Expensive, where there is one: on a hash thread. Throws
/// auth::StoreError, std::bad_alloc.
[[nodiscard]] bool is_present_password(const auth::Authenticator& authenticator, Readers& readers,
                                       const auth::UserName& name, const Secret& typed);

}  // namespace securelogin::login
