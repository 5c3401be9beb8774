// time_text.hpp: times as the wire and the programs show them.
#pragma once

#include <ctime>
#include <string>

#include "server/auth/clock.hpp"

namespace securelogin::auth {

/// RFC 3339, UTC, whole seconds: `2026-11-22T20:15:04Z`.  Any thread.
[[nodiscard]] inline std::string to_rfc3339(Time time)
{
    const std::time_t seconds = time.time_since_epoch().count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::string text(32, '\0');
    text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts));
    return text;
}

}  // namespace securelogin::auth
