#include "client/messages.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>

#include "common/text.hpp"

namespace securelogin::client {
namespace {

constexpr std::size_t kPromptLimit = 100;  // characters, of each of a prompt's two parts

std::string_view fact(const Reply& reply, std::string_view key)
{
    const auto found =
        std::ranges::find(reply.facts, key, [](const auto& entry) { return std::string_view(entry.first); });
    return found == reply.facts.end() ? std::string_view{} : std::string_view(found->second);
}

/// A number of no more than nine digits, without sign; nothing for anything else.
std::optional<std::uint32_t> number(std::string_view text)
{
    constexpr std::size_t most_digits = 9;
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (!whole || text.size() > most_digits) return std::nullopt;
    return value;
}

std::string shortened(std::string_view text)
{
    auto shown = printable(text);
    std::size_t at = 0;
    for (std::size_t count = 0; at < shown.size(); ++count) {
        if (count == kPromptLimit) return shown.substr(0, at) + "...";
        const auto character = decode_utf8(std::string_view(shown).substr(at));
        at += character ? character->octets : 1;
    }
    return shown;
}

std::string key_and_value(const std::string& key, const std::string& value)
{
    auto line = key;
    if (!value.empty()) line.append(1, ' ').append(value);
    return line;
}

std::string last_login(std::string_view value)
{
    const auto blank = value.find(' ');
    const auto when = shown_time(value.substr(0, blank));
    return blank == std::string_view::npos ? when : when + " from " + std::string(value.substr(blank + 1));
}

}  // namespace

std::vector<std::string> result_lines(const Reply& reply)
{
    std::vector<std::string> lines;
    lines.reserve(reply.facts.size());
    for (const auto& [key, value] : reply.facts) lines.push_back(key_and_value(key, value));
    if (lines.empty() && reply.code == code::kHelp) lines.push_back(reply.text);
    return lines;
}

std::string prompt(std::string_view who, std::string_view text)
{
    return '(' + shortened(who) + ") " + shortened(text) + ' ';
}

std::vector<std::string> welcome(const Reply& logged_in)
{
    std::vector<std::string> lines{logged_in.text};
    if (const auto last = fact(logged_in, "last-login"); !last.empty())
        lines.push_back("Last login: " + last_login(last));
    if (const auto expires = fact(logged_in, "expires"); !expires.empty()) {
        lines.push_back("The session ends: " + shown_time(expires));
    }
    lines.emplace_back("Type help for the commands, ctrl-D to leave.");
    return lines;
}

std::optional<std::string> failures_warning(const Reply& logged_in)
{
    const auto failures = fact(logged_in, "failures-since");
    if (failures.empty() || number(failures) == 0U) return std::nullopt;
    const auto* const attempts = number(failures) == 1U ? " failed attempt" : " failed attempts";
    return std::string(failures) + attempts +
           " to log in since the last login.  If that was not you, change your password.";
}

std::optional<std::string> worn_key_warning(const Reply& logged_in)
{
    const auto budget = fact(logged_in, "code-failures");
    if (budget.empty()) return std::nullopt;
    const auto blank = budget.find(' ');
    const auto used = number(budget.substr(0, blank));
    const auto limit = blank == std::string_view::npos ? std::nullopt : number(budget.substr(blank + 1));
    const auto counted = used && limit ? std::to_string(*used) + " of " + std::to_string(*limit)
                                       : '"' + std::string(budget) + '"';
    return counted +
           " wrong codes have been tried with your right password since your authenticator app was enrolled."
           "  At the last one you are locked out: change your password, and ask your administrator for a new"
           " key before that.";
}

std::optional<std::string> recovery_codes_warning(const Reply& logged_in)
{
    const auto left = fact(logged_in, "recovery-codes");
    if (left.empty()) return std::nullopt;
    const auto count = number(left);
    const auto codes = count ? std::to_string(*count) : '"' + std::string(left) + '"';
    return codes + (count == 1U ? " recovery code is left.  " : " recovery codes are left.  ") +
           "The command codes makes new ones.";
}

bool must_change_password(const Reply& logged_in) { return fact(logged_in, "must-change-password") == "yes"; }

std::string refusal(const Reply& reply)
{
    const auto seconds = number(fact(reply, "retry-after"));
    if (!seconds) return reply.text;
    return reply.text + " (in " + std::to_string(*seconds) + (*seconds == 1 ? " second)" : " seconds)");
}

std::string shown_time(std::string_view rfc3339)
{
    std::string text(rfc3339);
    std::tm parts{};
    const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == nullptr || *end != '\0') return text;
    const std::time_t instant = ::timegm(&parts);
    std::tm local{};
    std::array<char, 64> shown{};
    if (::localtime_r(&instant, &local) == nullptr) return text;
    const auto size = std::strftime(shown.data(), shown.size(), "%a %d %b %Y %H:%M:%S %Z", &local);
    return size == 0 ? text : std::string(shown.data(), size);
}

}  // namespace securelogin::client
