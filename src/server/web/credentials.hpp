// credentials.hpp: what a program logs in with, a JSON text (RFC 8259) that anybody may send.
//
//   {"username": "...", "password": "...", "code": "..."}
//
// In any order, each once, each a string, and nothing else.  Refused is whatever else: what is no JSON or no
// UTF-8, a member more or less, another kind of value, and a name that is there twice, however it is escaped:
// one parser keeps the first of them, another the last.  Pure; the parser's copies of what was typed are
// wiped.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/secret.hpp"

namespace securelogin::web {

struct Credentials {
    std::string name;  // as it was sent: not yet a user name
    Secret password;
    Secret code;

    /// Nothing when it is refused.  Throws std::bad_alloc.
    [[nodiscard]] static std::optional<Credentials> parse(std::string_view text);
};

}  // namespace securelogin::web
