#include "server/web/way_back.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "server/auth/user_name.hpp"

namespace securelogin::web {
namespace {

/// What RFC 3986 lets stand in a URL.  Browsers drop tabs and line ends, and take a backslash for a slash.
bool may_stand_in_url(char c)
{
    constexpr std::string_view never = "\"<>\\^`{|}";
    return c > ' ' && c < '\x7f' && never.find(c) == std::string_view::npos;
}

bool is_dot_segment(std::string_view segment)
{
    auto text = auth::fold_case(segment);
    for (auto at = text.find("%2e"); at != std::string::npos; at = text.find("%2e")) text.replace(at, 3, ".");
    return text == "." || text == "..";
}

/// `/./` before another slash may become `//host` where somebody on the way tidies up.
bool has_dot_segment(std::string_view path)
{
    path = path.substr(0, path.find_first_of("?#"));
    while (!path.empty()) {
        const auto slash = path.find('/');
        if (is_dot_segment(path.substr(0, slash))) return true;
        if (slash == std::string_view::npos) return false;
        path.remove_prefix(slash + 1);
    }
    return false;
}

bool is_own_path(std::string_view text)
{
    return text.starts_with('/') && !text.starts_with("//") && !has_dot_segment(text);
}

/// Where the path of an absolute URL begins, or its end.  REQUIRES: "://" is in it.
std::size_t end_of_origin(std::string_view url)
{
    return std::min(url.find_first_of("/?#", url.find("://") + 3), url.size());
}

bool leads_to(std::string_view url, std::span<const Origin> allowed, const Origin& own)
{
    if (url.find("://") == std::string_view::npos) return false;
    const auto end = end_of_origin(url);
    const auto origin = Origin::parse(url.substr(0, end));
    if (!origin || origin->text() != url.substr(0, end)) return false;
    if (*origin != own && std::ranges::find(allowed, *origin) == allowed.end()) return false;
    const auto path = url.substr(end);
    return path.empty() || (path.starts_with('/') && !has_dot_segment(path));
}

}  // namespace

std::optional<std::string> safe_way_back(std::string_view text, std::span<const Origin> allowed,
                                         const Origin& own)
{
    if (text.size() > kLongestWayBack || !std::ranges::all_of(text, may_stand_in_url)) return std::nullopt;
    if (!is_own_path(text) && !leads_to(text, allowed, own)) return std::nullopt;
    return std::string(text);
}

std::string login_url(const Origin& own, std::string_view target)
{
    auto url = own.text() + "/login";
    if (safe_way_back(target, {}, own)) url += "?back=" + percent_encoded(target);
    return url;
}

std::string percent_encoded(std::string_view text)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view unreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string encoded;
    for (const char c : text) {
        if (unreserved.find(c) != std::string_view::npos) {
            encoded += c;
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        encoded += {'%', digits[octet >> 4U], digits[octet & 0xfU]};
    }
    return encoded;
}

}  // namespace securelogin::web
