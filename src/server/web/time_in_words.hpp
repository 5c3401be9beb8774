// time_in_words.hpp: a time as people read it: "6 May 2026, 07:08 UTC".
//
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace securelogin::web {

/// Of a time as auth::to_rfc3339 writes it, "2026-05-06T07:08:09Z"; nothing for anything else.  Seconds are
/// cut off, not rounded.
[[nodiscard]] std::optional<std::string> time_in_words(std::string_view rfc3339);

}  // namespace securelogin::web
