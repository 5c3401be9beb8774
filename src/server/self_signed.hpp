// self_signed.hpp: the certificate that the server has when nobody gave it one.
#pragma once

#include <chrono>
#include <string>

#include "server/data_directory.hpp"

namespace securelogin {

/// Makes a private key (ECDSA P-256) and a self-signed certificate for `name` (a host name or an address)
/// where there are none.  Makes a new certificate with the same key, so that pins hold, when the old one has
/// less than 30 days to live or names another host.  True when it wrote a certificate.  Throws StartupError,
/// std::runtime_error.
bool keep_self_signed(const DataDirectory& data, const std::string& name, std::chrono::sys_seconds now);

}  // namespace securelogin
