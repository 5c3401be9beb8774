// reply.hpp: what the server says (docs/protocol.md, "Replies"), built by one end and read by the other.
//
// `NNN-key value` lines, none or more, then `NNN text`.  Digits, keys and the form of values are fixed; the
// text is for people.  Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace securelogin {

/// The three digits.  docs/protocol.md says what each means.
namespace code {
inline constexpr int kHelp = 214;
inline constexpr int kGreeting = 220;
inline constexpr int kBye = 221;
inline constexpr int kLoggedIn = 230;
inline constexpr int kDone = 250;
inline constexpr int kUsernameWanted = 330;
inline constexpr int kPasswordWanted = 331;
inline constexpr int kCodeWanted = 332;
inline constexpr int kNewPasswordWanted = 333;
inline constexpr int kClosing = 421;
inline constexpr int kTryLater = 450;
inline constexpr int kMalformedLine = 500;
inline constexpr int kBadArguments = 501;
inline constexpr int kUnknownCommand = 502;
inline constexpr int kRefused = 530;
inline constexpr int kPasswordRefused = 553;
}  // namespace code

struct Reply {
    int code;
    std::string text;
    std::vector<std::pair<std::string, std::string>> facts = {};  // key (no blank), value
};

/// The reply as it goes over the wire, each line ended by CR LF; in memory of the size that it takes, so that
/// no part of it is left elsewhere.
/// REQUIRES: 100 <= code <= 999; no line break in text, keys and values.
[[nodiscard]] std::string to_wire(const Reply& reply);

/// Overwrites the values of the facts: some are secrets that are told once.
void forget_values(Reply& reply) noexcept;

/// One line of a reply as the client meets it.
struct ReplyLine {
    int code;
    bool last;              // `NNN text` rather than `NNN-key value`
    std::string_view key;   // empty when last
    std::string_view text;  // the text, or the value (may be empty)
};

/// Nothing when `line` (without its ending) is not of a reply's form.  The views point into `line`.
[[nodiscard]] std::optional<ReplyLine> parse_reply_line(std::string_view line) noexcept;

}  // namespace securelogin
