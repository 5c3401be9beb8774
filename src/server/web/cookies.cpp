#include "server/web/cookies.hpp"

#include <algorithm>

#include "server/auth/token.hpp"

namespace securelogin::web {
namespace {

constexpr std::string_view kAttributes = "; Path=/; Secure; HttpOnly; SameSite=Lax";

std::string_view trim(std::string_view text) noexcept
{
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::string_view cookie(const Request& request, std::string_view name) noexcept
{
    std::string_view found;
    int times = 0;
    for (const auto& field : request.fields()) {
        if (field.id != http::field::cookie) continue;
        auto rest = field.value;
        while (!rest.empty()) {
            const auto pair = trim(rest.substr(0, rest.find(';')));
            rest.remove_prefix(
                std::min(rest.size(), rest.find(';') == rest.npos ? rest.size() : rest.find(';') + 1));
            if (pair.size() <= name.size() || !pair.starts_with(name) || pair[name.size()] != '=') continue;
            found = pair.substr(name.size() + 1);
            ++times;
        }
    }
    return times == 1 ? found : std::string_view();
}

std::string set_cookie(std::string_view name, std::string_view value,
                       std::optional<std::chrono::seconds> lifetime)
{
    std::string text;
    text.reserve(160);
    text += name;
    text += '=';
    text += value;
    text += kAttributes;
    if (lifetime) text += "; Max-Age=" + std::to_string(lifetime->count());
    return text;
}

std::string clear_cookie(std::string_view name) { return set_cookie(name, "", std::chrono::seconds(0)); }

/// A token's form does: 256 bits, and letters that a cookie may hold.
Secret new_cookie_value(auth::Random& random) { return auth::new_token(random); }

bool is_cookie_value(std::string_view value) noexcept { return auth::is_token(value); }

std::optional<auth::DeviceFingerprint> device_of(std::string_view value)
{
    if (!is_cookie_value(value)) return std::nullopt;
    return auth::TokenHasher()(value);
}

}  // namespace securelogin::web
