// account.hpp: what the domain knows of a user.  Values; no credentials among them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/secret.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/totp.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::auth {

enum class UserId : std::int64_t {};  // random, never used again

enum class AccountState { active, disabled };

/// An enrolled authenticator app, without its secret.
struct TotpEnrolment {
    TotpParameters parameters;
    TimeStep last_step = 0;  // the last step accepted; only ever grows
    int failures = 0;        // wrong codes after a right password since enrolled_at; never reset by a success
    Time enrolled_at;
};

struct LastLogin {
    Time at;
    std::string source;  // Source::address()
};

struct Account {
    UserId id;
    UserName name;
    AccountState state = AccountState::active;
    Time created_at;
    Time password_set_at;
    std::int64_t password_epoch =
        0;  // grows by one with each new password, so that a check can be told stale
    std::optional<TotpEnrolment> totp = {};
    std::optional<LastLogin> last_login = {};
    bool must_change = false;     // until there is a new password, the account is good for setting one only
    int recovery_codes_made = 0;  // the last time; nought: it has never had any, or they were taken away
};

/// A password hash together with whose and which it is.
struct StoredPassword {
    UserId user;
    std::int64_t epoch;
    Secret phc;
};

/// All that a new account is made of.
struct NewAccount {
    UserId id;
    UserName name;
    Secret phc;
    Secret totp_secret;
    TotpParameters totp;
    Time created_at;
};

}  // namespace securelogin::auth
