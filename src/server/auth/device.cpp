#include "server/auth/device.hpp"

#include "common/base64.hpp"

namespace securelogin::auth {
namespace {

constexpr std::string_view kFingerprintPrefix = "SHA256:";
constexpr std::size_t kShortForm = 12;      // characters
constexpr std::size_t kShortestNaming = 8;  // characters
constexpr std::size_t kWhole = 43;          // characters

}  // namespace

std::string to_string(const DeviceFingerprint& fingerprint)
{
    return std::string(kFingerprintPrefix) + to_base64(fingerprint);
}

std::string short_form(const DeviceFingerprint& fingerprint)
{
    return to_base64(fingerprint).substr(0, kShortForm);
}

bool is_named_by(const DeviceFingerprint& fingerprint, std::string_view text)
{
    if (text.starts_with(kFingerprintPrefix)) text.remove_prefix(kFingerprintPrefix.size());
    if (text.size() == kWhole + 1 && text.ends_with('=')) text.remove_suffix(1);
    return text.size() >= kShortestNaming && to_base64(fingerprint).starts_with(text);
}

}  // namespace securelogin::auth
