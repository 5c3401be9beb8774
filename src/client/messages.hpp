// messages.hpp: replies in words for a person, or in lines for a program.
//
// Keys and values are the server's, and it may be hostile: what has not the form that docs/protocol.md gives
// it is shown as it is, and Display escapes it.  Pure (shown_time reads the time zone).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/reply.hpp"

namespace securelogin::client {

/// A reply's results, `key value` a line; of a help reply without such lines, its text.
[[nodiscard]] std::vector<std::string> result_lines(const Reply& reply);

/// `(alice@host) Password: `: who asks for what.  Printable, and short whatever the server says.
[[nodiscard]] std::string prompt(std::string_view who, std::string_view text);

/// What to tell someone who has just logged in.
[[nodiscard]] std::vector<std::string> welcome(const Reply& logged_in);

/// Failed attempts since the last login; nothing when there were none.
[[nodiscard]] std::optional<std::string> failures_warning(const Reply& logged_in);

/// That half of the wrong codes that the key bears have been used up, or more; nothing while it is less.
[[nodiscard]] std::optional<std::string> worn_key_warning(const Reply& logged_in);

/// How many recovery codes are left; nothing where the server does not say so.
[[nodiscard]] std::optional<std::string> recovery_codes_warning(const Reply& logged_in);

/// Whether nothing can be done before the password has been changed.
[[nodiscard]] bool must_change_password(const Reply& logged_in);

/// The text, with how long to wait where the reply says so.
[[nodiscard]] std::string refusal(const Reply& reply);

/// An RFC 3339 time in UTC as local time for people; anything else as it is.
[[nodiscard]] std::string shown_time(std::string_view rfc3339);

}  // namespace securelogin::client
