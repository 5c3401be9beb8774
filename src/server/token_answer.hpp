// token_answer.hpp: what whoever asks about a token is told: one line of JSON, without its end.
//
//   {"valid":true,"user":"alice","session":"6f1c0a52","expires":"2026-11-22T20:15:04Z"}
//   {"valid":false}
//   {"valid":false,"error":"..."}     where it could not be looked up; a sentence for people
//
// docs/administration.md, "Tokens", says what each means.  Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "server/auth/session_check.hpp"

namespace securelogin {

inline constexpr std::string_view kNotAToken = "not a token";

/// Appends the answer to `out`.
void append_answer(std::string& out, const auth::TokenVerdict& verdict);
/// Appends a no with its reason.
void append_refusal(std::string& out, std::string_view why);

}  // namespace securelogin
