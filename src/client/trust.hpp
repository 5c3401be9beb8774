// trust.hpp: is the server that answered the one that the person means?
//
// Settled once, after the TLS handshake and before a single octet is sent over it.  The server is named by
// the key that it has proved to hold (common/certificate.hpp), as in ssh:
//   --fingerprint            that key and no other; known_hosts is not looked at
//   --ca                     the handshake has checked the certificate; known_hosts is not looked at
//   known, the same key      trusted
//   known, another key       never
//   unknown                  trusted and remembered with --accept-new or after the person's yes; else not
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/destination.hpp"
#include "client/display.hpp"

namespace securelogin::client {

struct TrustPolicy {
    std::optional<std::string> fingerprint = {};  // as normalize_fingerprint() gives it
    bool by_ca = false;
    bool accept_new = false;
    std::optional<std::filesystem::path> known_hosts = {};  // else known_hosts_file()
};

/// Shows a prompt and returns what the person typed; nothing when they gave up.  Empty where nobody can be
/// asked.
using AskPerson = std::function<std::optional<std::string>(std::string_view prompt)>;

/// Whether settle_trust() would return without asking anybody or remembering anything.  Throws Failure as it
/// does when known_hosts cannot be relied on.
[[nodiscard]] bool is_trusted_already(const Destination& destination, const std::string& offered,
                                      const TrustPolicy& policy);

/// Returns when `offered` is trusted; else throws Failure (not_trusted) that says why and what to do.
/// An unknown server that could not be remembered is trusted this once, with a warning.
void settle_trust(const Destination& destination, const std::string& offered, const TrustPolicy& policy,
                  const AskPerson& ask, Display& display);

}  // namespace securelogin::client
