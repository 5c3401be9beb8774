// population.hpp: the made-up users of a benchmark.
//
// Everything about one follows from its number, so that the program that enrols them and the programs that
// log them in need nothing from each other.  Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/secret.hpp"
#include "server/auth/account.hpp"
#include "server/auth/totp.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::bench {

using UserNumber = std::uint32_t;

/// Everybody's.
inline constexpr std::string_view kPassword = "correct horse battery staple";

/// As wide as a real one, which is random, but growing: a million rows are then appended, where they would
/// otherwise rewrite each page of the indexes hundreds of times.
[[nodiscard]] auth::UserId id_of(UserNumber user);
[[nodiscard]] std::string name_of(UserNumber user);
[[nodiscard]] Secret totp_secret_of(UserNumber user);
/// Six digits, SHA-1, 30 seconds.
[[nodiscard]] std::string code_of(UserNumber user, auth::TimeStep step);

}  // namespace securelogin::bench
