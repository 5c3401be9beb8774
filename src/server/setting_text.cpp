#include "server/setting_text.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "server/auth/user_name.hpp"
#include "server/web/origin.hpp"
#include "server/web/proxies.hpp"
#include "server/web/rules.hpp"

namespace securelogin {
namespace {

constexpr std::size_t kLongestName = 253;   // octets (RFC 1035 section 2.3.4)
constexpr std::size_t kLongestLabel = 63;   // octets
constexpr std::size_t kLongestIssuer = 64;  // octets: a QR code has to hold it twice
constexpr std::size_t kLongestSocketPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::string_view kUnix = "unix:";

bool is_label(std::string_view label)
{
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    };
    return !label.empty() && label.size() <= kLongestLabel && std::ranges::all_of(label, is_allowed) &&
           label.front() != '-' && label.back() != '-';
}

bool is_host_name(std::string_view name)
{
    if (name.size() > kLongestName) return false;
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
        if (!is_label(name.substr(0, dot))) return false;
        name.remove_prefix(dot + 1);
    }
    return is_label(name);
}

bool is_ip_address(int family, const std::string& text)
{
    std::array<unsigned char, sizeof(in6_addr)> parsed{};
    // inet_pton() would stop at a NUL.
    return text.find('\0') == std::string::npos && inet_pton(family, text.c_str(), parsed.data()) == 1;
}

bool is_port(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size();
}

struct Address {
    int family;
    std::string host;  // numeric
};

std::optional<Address> parse_listener(std::string_view text)
{
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || !is_port(text.substr(colon + 1))) return std::nullopt;
    const auto host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
    Address address{bracketed ? AF_INET6 : AF_INET,
                    std::string(bracketed ? host.substr(1, host.size() - 2) : host)};
    return is_ip_address(address.family, address.host) ? std::optional(std::move(address)) : std::nullopt;
}

bool is_loopback(const Address& address)
{
    if (address.family == AF_INET) return address.host.starts_with("127.");
    in6_addr parsed{};
    return inet_pton(AF_INET6, address.host.c_str(), &parsed) == 1 && IN6_IS_ADDR_LOOPBACK(&parsed);
}

Complaint why_not_socket(const std::string& path)
{
    if (auto complaint = why_not_absolute(path)) return complaint;
    if (path.size() <= kLongestSocketPath) return std::nullopt;
    return fmt::format("is too long for a socket: at most {} octets after unix:", kLongestSocketPath);
}

/// Behind the string (TOML 1.0, "String") that begins at `at`; one that does not end on its line ends there.
std::size_t end_of_string(std::string_view toml, std::size_t at)
{
    const char quote = toml[at];
    const std::string three(3, quote);
    const bool many_lines = toml.substr(at).starts_with(three);
    for (at += many_lines ? 3 : 1; at < toml.size(); ++at) {
        if (quote == '"' && toml[at] == '\\') {
            ++at;
        } else if (many_lines && toml.substr(at).starts_with(three)) {
            const auto after =
                toml.find_first_not_of(quote, at);  // two quotes may stand before the last three
            return std::min({after, at + 5, toml.size()});
        } else if (!many_lines && (toml[at] == quote || toml[at] == '\n')) {
            return at + 1;
        }
    }
    return toml.size();
}

}  // namespace

Complaint why_not_server_name(const std::string& text)
{
    if (is_host_name(text) || is_ip_address(AF_INET6, text)) return std::nullopt;
    return "is no host name: letters, digits and hyphens between dots, such as \"login.example.net\"";
}

Complaint why_not_issuer(const std::string& text)
{
    if (text.find(':') != std::string::npos)
        return "holds a colon: leave it out, key URIs have another use for it";
    if (text.size() > kLongestIssuer)
        return fmt::format("is longer than {} octets: shorten it", kLongestIssuer);
    if (text.starts_with(' ') || text.ends_with(' ')) return "begins or ends with a blank: leave it out";
    return std::nullopt;
}

Complaint why_not_absolute(const std::string& path)
{
    if (path.starts_with('/')) return std::nullopt;
    return "is no absolute path: begin it with \"/\"";
}

Complaint why_not_tls_listener(const std::string& text)
{
    if (text.starts_with(kUnix)) return "is a Unix socket, which is served in clear: move it to listen.plain";
    if (parse_listener(text)) return std::nullopt;
    return "is no numeric address and port (names are not looked up): write \"192.0.2.7:9999\" or "
           "\"[2001:db8::7]:9999\"; \"0.0.0.0:9999\" and \"[::]:9999\" are all addresses of this host";
}

Complaint why_not_plain_listener(const std::string& text)
{
    if (text.starts_with(kUnix)) return why_not_socket(text.substr(kUnix.size()));
    const auto address = parse_listener(text);
    if (!address) {
        return "is no numeric loopback address and port, nor a Unix socket: write \"127.0.0.1:9998\", "
               "\"[::1]:9998\" or \"unix:/run/securelogin/socket\"";
    }
    if (is_loopback(*address)) return std::nullopt;
    return "would send passwords in clear over a network: give a loopback address, or move it to listen.tls";
}

Complaint why_not_argument(const std::string& /*text*/) { return std::nullopt; }

Complaint why_not_local_listener(const std::string& text)
{
    if (text.starts_with(kUnix)) return why_not_socket(text.substr(kUnix.size()));
    const auto address = parse_listener(text);
    if (address && is_loopback(*address)) return std::nullopt;
    return "is no numeric loopback address and port, nor a Unix socket: write \"127.0.0.1:9998\", "
           "\"[::1]:9998\" or \"unix:/run/securelogin/metrics\"";
}

Complaint why_not_verify_listener(const std::string& text)
{
    if (text.starts_with(kUnix)) return why_not_socket(text.substr(kUnix.size()));
    return "is no Unix socket, by whose mode it is settled who may ask: write "
           "\"unix:/run/securelogin/verify.sock\"";
}

Complaint why_not_web_listener(const std::string& text)
{
    if (text.starts_with(kUnix)) {
        return "is a Unix socket, which is served in clear: move it to listen.web_plain";
    }
    if (parse_listener(text)) return std::nullopt;
    return "is no numeric address and port (names are not looked up): write \"192.0.2.7:8443\" or "
           "\"[2001:db8::7]:8443\"; \"0.0.0.0:8443\" and \"[::]:8443\" are all addresses of this host";
}

Complaint why_not_plain_web_listener(const std::string& text)
{
    if (text.starts_with(kUnix)) return why_not_socket(text.substr(kUnix.size()));
    const auto address = parse_listener(text);
    if (!address) {
        return "is no numeric loopback address and port, nor a Unix socket: write \"127.0.0.1:8080\", "
               "\"[::1]:8080\" or \"unix:/run/securelogin/web.sock\"";
    }
    if (is_loopback(*address)) return std::nullopt;
    return "would send passwords in clear over a network: give a loopback address, or move it to listen.web";
}

Complaint why_not_picture(const std::string& path)
{
    if (auto complaint = why_not_absolute(path)) return complaint;
    constexpr std::array<std::string_view, 5> known{".png", ".svg", ".jpg", ".jpeg", ".webp"};
    const auto ends = [&](std::string_view ending) { return path.ends_with(ending); };
    if (std::ranges::any_of(known, ends)) return std::nullopt;
    return "is no picture by its name: it is to end in .png, .svg, .jpg, .jpeg or .webp";
}

Complaint why_not_colour(const std::string& text)
{
    constexpr std::string_view digits = "0123456789abcdefABCDEF";
    if (text.size() == 7 && text.front() == '#' && text.find_first_not_of(digits, 1) == std::string::npos) {
        return std::nullopt;
    }
    return "is no colour: write six digits of base 16 behind a #, such as \"#1f6feb\"";
}

Complaint why_not_origin(const std::string& text)
{
    const auto origin = web::Origin::parse(text);
    if (origin && origin->text() == text) return std::nullopt;
    if (origin) return fmt::format("has another spelling: write \"{}\"", origin->text());
    return "is no origin: write \"https://app.example.com\", with a port where it has one of its own and "
           "nothing "
           "behind it; http is for loopback only";
}

Complaint why_not_proxy(const std::string& text)
{
    if (text == web::kUnixProxy || web::Network::parse(text)) return std::nullopt;
    return "is no address and no network, or a network with bits behind its prefix, or everybody: write "
           "\"127.0.0.1\", \"10.0.0.0/8\", \"2001:db8::/32\" or \"unix\"";
}

Complaint why_not_rule_host(const std::string& text)
{
    if (web::is_host_pattern(text)) return std::nullopt;
    return "is no host in lower case and without a port: write \"app.example.com\", or \"*.example.com\" for "
           "all "
           "below it";
}

Complaint why_not_rule_path(const std::string& text)
{
    if (web::is_path_prefix(text)) return std::nullopt;
    return "is no path's beginning: write whole segments as they are without %HH, such as \"/reports\"";
}

Complaint why_not_account(const std::string& text)
{
    if (auth::UserName::parse(text)) return std::nullopt;
    return "can be nobody's name: write one that `securelogin-admin user list` shows";
}

Complaint why_not_user(const std::string& text)
{
    constexpr std::size_t longest = 32;  // useradd(8)
    if (is_label(text) && text.size() <= longest) return std::nullopt;
    return "is no user's name: write one that `getent passwd` lists";
}

namespace {

/// Whether a quote behind `run`, all that stands between it and the last blank, comma, bracket's end or
/// string, begins a string.  In the middle of a bare value it does not: what comes then is still outside of
/// quotes. `depth` of brackets, and `equals` signs in the line, both with those of the run.
bool begins_string(std::string_view run, int depth, int equals)
{
    constexpr std::string_view bare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    for (; run.ends_with('[') || run.ends_with('{'); run.remove_suffix(1)) --depth;
    if (run.empty()) return true;
    if (run.back() == '=') --equals;
    const bool in_value = depth > 0 || equals > 0;
    if (in_value || (run.back() != '=' && run.back() != '.')) return false;
    run.remove_suffix(1);
    return run.find_first_not_of(bare) == std::string_view::npos;
}

/// In a string of double quotes: behind a backslash, and the blanks and line ends that may follow one, the
/// parser looks for more of them.
std::optional<std::size_t> escaped_non_ascii(std::string_view toml, std::size_t begin, std::size_t end)
{
    const auto string = toml.substr(0, end);
    for (auto at = string.find('\\', begin); at < end; at = string.find('\\', at)) {
        const auto next = std::min(string.find_first_not_of(" \t\r\n\v\f", at + 1), end);
        if (next < end && static_cast<unsigned char>(string[next]) > 127) return next;
        at = next == at + 1 ? at + 2 : next;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> unquoted_non_ascii(std::string_view toml)
{
    std::size_t run = 0;  // where it begins
    int depth = 0;        // of brackets
    int equals = 0;       // in this line
    for (std::size_t at = 0; at < toml.size(); ++at) {
        const char c = toml[at];
        if (static_cast<unsigned char>(c) > 127) return at;
        if (c == '#') at = std::min(toml.find('\n', at), toml.size());
        if (c == '#' || c == '\n') equals = 0;
        if (c == '=') ++equals;
        if (c == '[' || c == '{') ++depth;
        if ((c == ']' || c == '}') && depth > 0) --depth;
        if (c == '"' || c == '\'') {
            if (!begins_string(toml.substr(run, at - run), depth, equals)) continue;
            const auto end = end_of_string(toml, at);
            if (const auto escaped = c == '"' ? escaped_non_ascii(toml, at, end) : std::nullopt)
                return escaped;
            at = end - 1;
            if (toml[at] == '\n') equals = 0;
            run = at + 1;
        } else if (std::string_view(" \t\r\n,]}#").find(c) != std::string_view::npos) {
            run = at + 1;
        }
    }
    return std::nullopt;
}

std::size_t edit_distance(std::string_view from, std::string_view to)
{
    // Levenshtein's, by Wagner and Fischer: row[j] is the distance from what has been seen of `from` to to[0,
    // j).
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < from.size(); ++i) {
        auto diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < to.size(); ++j) {
            const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

}  // namespace securelogin
