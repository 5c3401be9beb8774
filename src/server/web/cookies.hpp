// cookies.hpp: the three cookies of this door (RFC 6265bis), and how they are set and read.
//
// All have the prefix `__Host-`: a browser takes and sends them over a secure connection only, for this host
// only, so that no other site, a neighbour's below the same domain included, can set or read one.  HttpOnly,
// SameSite=Lax.  Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/secret.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/device.hpp"
#include "server/web/message.hpp"

namespace securelogin::web {

inline constexpr std::string_view kSessionCookie = "__Host-securelogin";  // a session's token
inline constexpr std::string_view kDeviceCookie = "__Host-device";        // 256 random bits, kept for long
inline constexpr std::string_view kVisitCookie = "__Host-visit";          // 256 random bits, before a login

/// Of the request's; empty where it has none, or has it twice.
[[nodiscard]] std::string_view cookie(const Request& request, std::string_view name) noexcept;

/// The Set-Cookie field's value.  Without `lifetime` it goes when the browser is closed.  It is a secret's
/// copy.
[[nodiscard]] std::string set_cookie(std::string_view name, std::string_view value,
                                     std::optional<std::chrono::seconds> lifetime = {});
[[nodiscard]] std::string clear_cookie(std::string_view name);

/// 256 random bits in base64url.
[[nodiscard]] Secret new_cookie_value(auth::Random& random);
/// Whether it can be one of new_cookie_value()'s.
[[nodiscard]] bool is_cookie_value(std::string_view value) noexcept;

/// The device that shows this cookie: SHA-256 of its value.  Nothing where it has not the form of one.
[[nodiscard]] std::optional<auth::DeviceFingerprint> device_of(std::string_view value);

}  // namespace securelogin::web
