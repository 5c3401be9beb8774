#include "common/openssl.hpp"

#include <openssl/err.h>

#include <system_error>

namespace securelogin {
namespace {

std::string describe(unsigned long error)
{
    // OpenSSL has no words of its own for an errno.
    if (ERR_SYSTEM_ERROR(error)) return std::generic_category().message(ERR_GET_REASON(error));
    const char* const reason = ERR_reason_error_string(error);
    return reason != nullptr ? reason : "error " + std::to_string(error);
}

}  // namespace

std::string openssl_error()
{
    std::string text;
    bool told = false;  // a system error is the cause: what follows it says the same with less
    while (const auto error = ERR_get_error()) {
        if (told) continue;
        if (!text.empty()) text += "; ";
        text += describe(error);
        told = ERR_SYSTEM_ERROR(error);
    }
    return text.empty() ? "unknown error" : text;
}

}  // namespace securelogin
