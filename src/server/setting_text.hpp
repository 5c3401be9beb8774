// setting_text.hpp: what a text in the settings may be.  Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace securelogin {

/// Why a text will not do and what would, to be read after the text itself; nothing when it will do.
using Complaint = std::optional<std::string>;

/// A host name in ASCII, or a numeric address: it goes into the greeting and the certificate as it is.
[[nodiscard]] Complaint why_not_server_name(const std::string& text);

/// At most 64 octets, no colon (Google Authenticator's key URI format parts issuer and name with one).
[[nodiscard]] Complaint why_not_issuer(const std::string& text);

[[nodiscard]] Complaint why_not_absolute(const std::string& path);

/// ADDR:PORT, [ADDR]:PORT: numeric, so that what is listened on does not depend on what a name server says.
[[nodiscard]] Complaint why_not_tls_listener(const std::string& text);

/// The same for loopback addresses only, or unix:PATH with an absolute path.
[[nodiscard]] Complaint why_not_plain_listener(const std::string& text);

/// Anything: a program's argument.
[[nodiscard]] Complaint why_not_argument(const std::string& text);

/// As a plain listener, for what is for this host only, and holds no password.
[[nodiscard]] Complaint why_not_local_listener(const std::string& text);

/// unix:PATH with an absolute path: whoever can open it may ask, and a port could be opened by everybody.
[[nodiscard]] Complaint why_not_verify_listener(const std::string& text);

/// As a TLS listener, and as a plain one, for browsers.
[[nodiscard]] Complaint why_not_web_listener(const std::string& text);
[[nodiscard]] Complaint why_not_plain_web_listener(const std::string& text);

/// An absolute path whose ending says what kind of picture it is: .png, .svg, .jpg, .jpeg, .webp.
[[nodiscard]] Complaint why_not_picture(const std::string& path);

/// `#rrggbb`.
[[nodiscard]] Complaint why_not_colour(const std::string& text);

/// `https://app.example.com`: web::Origin, as it spells it.
[[nodiscard]] Complaint why_not_origin(const std::string& text);

/// An address, a network (web::Network), or `unix`.
[[nodiscard]] Complaint why_not_proxy(const std::string& text);

/// What web::Rule says of hosts and paths.
[[nodiscard]] Complaint why_not_rule_host(const std::string& text);
[[nodiscard]] Complaint why_not_rule_path(const std::string& text);

/// The name of an account, whether there is one or not.
[[nodiscard]] Complaint why_not_account(const std::string& text);

/// The name of a user of this host, whether there is one or not.
[[nodiscard]] Complaint why_not_user(const std::string& text);

/// Where in a text of TOML 1.0 the first octet above 127 stands outside strings and comments, which no key
/// and no value has.
[[nodiscard]] std::optional<std::size_t> unquoted_non_ascii(std::string_view toml);

/// How many insertions, deletions and replacements of one octet lead from `from` to `to`.
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

}  // namespace securelogin
