#include "server/web/forgery_guard.hpp"

#include <openssl/crypto.h>

#include "common/base64.hpp"
#include "common/secret.hpp"
#include "server/web/origin.hpp"

namespace securelogin::web {
namespace {

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
    const auto expected = token_for(cookie);
    return !cookie.empty() && token.size() == expected.size() &&
           CRYPTO_memcmp(token.data(), expected.data(), expected.size()) == 0;
}

bool is_own_origin(std::string_view origin, std::string_view scheme, std::string_view host)
{
    const auto from = Origin::parse(origin);
    const auto own = Origin::of(scheme, host);
    return from && own && *from == *own;
}

}  // namespace securelogin::web
