#include "server/web/forgery_guard.hpp"

#include <openssl/crypto.h>

#include "common/base64.hpp"
#include "common/secret.hpp"
#include "server/web/origin.hpp"
#include "server/web/way_back.hpp"

namespace securelogin::web {
namespace {

constexpr std::string_view kProof = "&proof=";

bool are_equal(std::string_view left, std::string_view right)
{
    return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

Secret new_key(auth::Random& random)
{
    Secret key(32);
    random.fill(key.bytes());
    return key;
}

}  // namespace

ForgeryGuard::ForgeryGuard(auth::Random& random) : hmac_(new_key(random)) {}

std::string ForgeryGuard::token_for(std::string_view cookie) const { return to_base64(hmac_(cookie)); }

bool ForgeryGuard::is_token_for(std::string_view cookie, std::string_view token) const
{
    return !cookie.empty() && are_equal(token, token_for(cookie));
}

std::string ForgeryGuard::proved_query(std::string_view cookie, std::string_view query) const
{
    // No cookie has a question mark in it: this is the MAC of no cookie.
    const auto said = std::string(cookie) + '?' + std::string(query);
    return std::string(query) + std::string(kProof) + percent_encoded(to_base64(hmac_(said)));
}

std::optional<std::string_view> ForgeryGuard::check_query(std::string_view cookie,
                                                          std::string_view proved) const
{
    const auto query = proved.substr(0, proved.rfind(kProof));
    if (cookie.empty() || !are_equal(proved, proved_query(cookie, query))) return std::nullopt;
    return query;
}

bool is_own_origin(std::string_view origin, std::string_view scheme, std::string_view host)
{
    const auto from = Origin::parse(origin);
    const auto own = Origin::of(scheme, host);
    return from && own && *from == *own;
}

}  // namespace securelogin::web
