// apr1.hpp: Apache's MD5 password hash, `$apr1$SALT$HASH`, as htpasswd has made it by default for decades.
//
// It is FreeBSD's MD5-crypt with another prefix, which crypt(3) does not know.  For checking what others have
// left behind, never for making hashes of our own.  Any thread.
#pragma once

#include <string_view>

#include "common/secret.hpp"

namespace securelogin::auth {

/// The 22 characters behind the salt.  REQUIRES: a salt of 1 to 8 characters.  Throws OpenSslError.
[[nodiscard]] Secret apr1_digest(const Secret& password, std::string_view salt);

}  // namespace securelogin::auth
