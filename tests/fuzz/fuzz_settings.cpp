// The settings file.  An administrator writes it, but a typing error must end in a sentence, not in a crash.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/config.hpp"
#include "tests/fuzz/expect.hpp"

using securelogin::fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view toml(reinterpret_cast<const char*>(data), size);
    try {
        const auto settings = securelogin::parse_settings(toml, "securelogind.toml");
        expect(!settings.name.empty() && !settings.issuer.empty());
        expect(settings.tls.certificate.has_value() == settings.tls.key.has_value());
        expect(settings.limits.hash_queue > 0 && settings.limits.connections > 0);
        expect(settings.policy.hash.lanes == 1 && settings.policy.totp_window >= 0);
    } catch (const securelogin::StartupError& error) {
        const std::string_view what = error.what();
        expect(what.find("securelogind.toml") != std::string_view::npos);
        expect(what.find('\n') == std::string_view::npos);
    }
    return 0;
}
