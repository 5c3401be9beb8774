#include "server/auth/wrapped_hash.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/base64.hpp"
#include "server/auth/password_hash.hpp"

namespace securelogin::auth {
namespace {

constexpr std::string_view kWrappedPrefix = "$over$";

struct Wrapped {
    OldScheme scheme;
    std::string setting;
    std::string_view phc;
};

std::optional<Wrapped> parse_wrapped(std::string_view stored)
{
    if (!is_wrapped(stored)) return std::nullopt;
    stored.remove_prefix(kWrappedPrefix.size());
    const auto first = stored.find('$');
    if (first == std::string_view::npos) return std::nullopt;
    const auto second = stored.find('$', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto scheme = parse_old_scheme(stored.substr(0, first));
    const auto setting = from_base64(stored.substr(first + 1, second - first - 1));
    if (!scheme || !setting) return std::nullopt;
    return Wrapped{.scheme = *scheme, .setting = std::string(setting->view()), .phc = stored.substr(second)};
}

Secret joined(std::initializer_list<std::string_view> parts)
{
    std::size_t size = 0;
    for (const auto part : parts) size += part.size();
    Secret all(size);
    auto out = all.chars().begin();
    for (const auto part : parts) out = std::ranges::copy(part, out).out;
    return all;
}

}  // namespace

Secret wrap_old_hash(const OldHash& old, const HashParameters& parameters)
{
    const auto phc = hash_password(old.digest, parameters);
    const auto setting = Secret::copy_of(old.setting);
    return joined({kWrappedPrefix, to_string(old.scheme), "$", to_base64(setting.bytes()), phc.view()});
}

bool is_wrapped(std::string_view stored) noexcept { return stored.starts_with(kWrappedPrefix); }

bool is_good_wrapped_hash(std::string_view stored)
{
    const auto wrapped = parse_wrapped(stored);
    return wrapped && is_good_setting(wrapped->scheme, wrapped->setting) && parse_phc(wrapped->phc);
}

bool matches_stored_hash(const Secret& password, std::string_view stored)
{
    if (!is_wrapped(stored)) return verify_password(password, stored);
    const auto wrapped = parse_wrapped(stored);
    if (!wrapped) return false;
    const auto digest = old_digest(wrapped->scheme, wrapped->setting, password);
    return verify_password(digest, wrapped->phc) && !digest.empty();
}

}  // namespace securelogin::auth
