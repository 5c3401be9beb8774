#include "server/web/guarded_path.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "common/text.hpp"

namespace securelogin::web {
namespace {

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// The octet that an escape at the beginning of `text` stands for.
std::optional<char> unescape(std::string_view text)
{
    if (text.size() < 3 || !is_hex(text[1]) || !is_hex(text[2])) return std::nullopt;
    std::uint8_t octet = 0;
    std::from_chars(text.data() + 1, text.data() + 3, octet, 16);
    return static_cast<char>(octet);
}

std::optional<std::string> percent_decoded(std::string_view text)
{
    std::string decoded;
    decoded.reserve(text.size());
    for (; !text.empty(); text.remove_prefix(1)) {
        if (text.front() != '%') {
            decoded += text.front();
            continue;
        }
        const auto octet = unescape(text);
        if (!octet || *octet == '/') return std::nullopt;
        decoded += *octet;
        text.remove_prefix(2);
    }
    return decoded;
}

/// What a server that decodes twice, or by IIS's `%uXXXX`, would decode.
bool has_escape(std::string_view text)
{
    for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
        const auto rest = text.substr(at + 1, 2);
        if (rest.starts_with('u') || rest.starts_with('U')) return true;
        if (rest.size() == 2 && is_hex(rest[0]) && is_hex(rest[1])) return true;
    }
    return false;
}

/// Overlong forms are slashes and dots to whoever decodes them carelessly.
bool is_plain_text(std::string_view text)
{
    while (!text.empty()) {
        const auto character = decode_utf8(text);
        if (!character || is_control(character->code_point) || text.front() == '\\') return false;
        text.remove_prefix(character->octets);
    }
    return true;
}

/// The next segment, cut off `rest` with the slash before it.  REQUIRES: `rest` begins with a slash.
std::string_view cut_segment(std::string_view& rest)
{
    const auto end = std::min(rest.find('/', 1), rest.size());
    const auto segment = rest.substr(1, end - 1);
    rest.remove_prefix(end);
    return segment;
}

/// `/a;x=1/b` as `/a/b` (RFC 3986 section 3.3), as Java's servers route.
std::string without_parameters(std::string_view path)
{
    std::string plain;
    while (!path.empty()) {
        const auto segment = cut_segment(path);
        plain += '/';
        plain += segment.substr(0, segment.find(';'));
    }
    return plain;
}

std::string with_slashes_merged(std::string_view path)
{
    std::string merged;
    for (const char c : path) {
        if (c != '/' || !merged.ends_with('/')) merged += c;
    }
    return merged;
}

/// Nothing where it leads above the root.
std::optional<std::string> without_dot_segments(std::string_view path)
{
    std::string kept;
    while (!path.empty()) {
        const auto segment = cut_segment(path);
        if (segment != "." && segment != "..") {
            kept += '/';
            kept += segment;
            continue;
        }
        if (segment == "..") {
            if (kept.empty()) return std::nullopt;
            kept.erase(kept.rfind('/'));
        }
        if (path.empty()) kept += '/';
    }
    return kept;
}

/// How a server may simplify a path; any of them, in this order.
enum Simplify : unsigned { kParameters = 1, kSlashes = 2, kDots = 4, kAll = 7 };

std::optional<std::string> simplified(std::string path, unsigned how)
{
    if ((how & kParameters) != 0) path = without_parameters(path);
    if ((how & kSlashes) != 0) path = with_slashes_merged(path);
    return (how & kDots) != 0 ? without_dot_segments(path) : std::move(path);
}

bool is_simple(std::string_view path)
{
    return path.find("//") == std::string_view::npos && path.find("/.") == std::string_view::npos &&
           path.find(';') == std::string_view::npos;
}

std::optional<GuardedPath> all_readings(std::string path)
{
    GuardedPath all;
    if (is_simple(path)) {
        all.readings.push_back(std::move(path));
        return all;
    }
    for (const unsigned how : {kDots + 0U, 0U, kParameters + 0U, kSlashes + 0U, kParameters | kSlashes,
                               kParameters | kDots, kSlashes | kDots, kAll + 0U}) {
        auto reading = simplified(path, how);
        if (!reading) return std::nullopt;
        if (std::ranges::find(all.readings, *reading) == all.readings.end())
            all.readings.push_back(std::move(*reading));
    }
    return all;
}

}  // namespace

std::optional<GuardedPath> read_path(std::string_view target)
{
    const auto is_allowed = [](char c) { return c > ' ' && c < '\x7f' && c != '#'; };
    if (!target.starts_with('/') || target.size() > kLongestTarget) return std::nullopt;
    if (!std::ranges::all_of(target, is_allowed)) return std::nullopt;
    auto path = percent_decoded(target.substr(0, target.find('?')));
    if (!path || has_escape(*path) || !is_plain_text(*path)) return std::nullopt;
    return all_readings(std::move(*path));
}

}  // namespace securelogin::web
