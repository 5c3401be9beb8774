// since.hpp: a moment as a person types it.  Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

#include "server/auth/clock.hpp"

namespace securelogin::admin {

/// A moment, or so long ago.
using Since = std::variant<auth::Time, std::chrono::seconds>;

/// `2026-11-22T20:15:04Z` (RFC 3339, UTC), `2026-11-22` (its first second, UTC), or so many seconds, minutes,
/// hours or days ago: `90s`, `30m`, `12h`, `7d`.
[[nodiscard]] std::optional<Since> parse_since(std::string_view text);

/// `90s`, `30m`, `12h`, `7d`.
[[nodiscard]] std::optional<std::chrono::seconds> parse_duration(std::string_view text);

[[nodiscard]] auth::Time moment(const Since& since, auth::Time now);

}  // namespace securelogin::admin
