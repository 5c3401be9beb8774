// one_time_code.hpp: the code that an authenticator app would show.
#pragma once

#include <liboath/oath.h>

#include <array>
#include <stdexcept>
#include <string>

#include "server/auth/totp.hpp"

namespace securelogin::support {

/// SHA1, 30 s, 6 digits.
inline std::string code_at(const Secret& secret, auth::Time time)
{
    std::array<char, 7> code{};
    const int result = oath_totp_generate(secret.view().data(), secret.size(),
                                          time.time_since_epoch().count(), 30, 0, 6, code.data());
    if (result != OATH_OK) throw std::runtime_error("computing a code");
    return code.data();
}

}  // namespace securelogin::support
