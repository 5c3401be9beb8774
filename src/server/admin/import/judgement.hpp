// judgement.hpp: what a row amounts to, or why it is refused.  Cheap and pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "common/secret.hpp"
#include "server/admin/import/import_row.hpp"
#include "server/auth/old_hash.hpp"
#include "server/auth/otpauth_uri.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::admin {

struct NoPassword {};

/// A user who can be taken in.  One of password and key is there.
struct Newcomer {
    auth::UserName name;
    std::variant<NoPassword, Secret, auth::OldHash> password;  // Secret: a PHC string, taken as it is
    std::optional<auth::TotpKey> totp;
    bool weaker = false;  // a PHC string that costs whoever guesses less than the floor does

    [[nodiscard]] bool is_wrapped() const noexcept { return std::holds_alternative<auth::OldHash>(password); }
    /// Its holder is to enrol.
    [[nodiscard]] bool is_invited() const noexcept { return !totp; }
    /// Its holder has a key, and is to be given a password.
    [[nodiscard]] bool lacks_password() const noexcept
    {
        return std::holds_alternative<NoPassword>(password);
    }
};

/// Why not, as a sentence without its full stop.  Names nothing of what may be secret.
/// REQUIRES: the row has no fault and is not left out.
[[nodiscard]] std::variant<Newcomer, std::string> judge(const ImportRow& row);

}  // namespace securelogin::admin
