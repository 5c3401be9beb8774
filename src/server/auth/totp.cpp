#include "server/auth/totp.hpp"

#include <liboath/oath.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>

namespace securelogin::auth {
namespace {

constexpr int kMostDigits = 8;
using Code = std::array<char, kMostDigits + 1>;  // as liboath writes it, NUL included

bool has_form_of_code(std::string_view text, int digits) noexcept
{
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return text.size() == static_cast<std::size_t>(digits) && std::ranges::all_of(text, is_digit);
}

int oath_flags(TotpAlgorithm algorithm) noexcept
{
    switch (algorithm) {
        case TotpAlgorithm::sha1:
            return 0;
        case TotpAlgorithm::sha256:
            return OATH_TOTP_HMAC_SHA256;
        case TotpAlgorithm::sha512:
            return OATH_TOTP_HMAC_SHA512;
    }
    return 0;
}

Code code_of_step(const Secret& secret, const TotpParameters& parameters, TimeStep step)
{
    static const bool started = oath_init() == OATH_OK;
    Code code{};
    const auto period = parameters.period.count();
    const bool computed =
        started &&
        oath_totp_generate2(secret.chars().data(), secret.size(), static_cast<std::time_t>(step * period),
                            static_cast<unsigned>(period), 0, static_cast<unsigned>(parameters.digits),
                            oath_flags(parameters.algorithm), code.data()) == OATH_OK;
    if (!computed) throw std::runtime_error("computing a one-time code: liboath failed");
    return code;
}

TimeStep step_at(Time now, std::chrono::seconds period) noexcept
{
    const auto time = now.time_since_epoch();
    return time / period - (time % period < std::chrono::seconds::zero() ? 1 : 0);  // towards the past
}

bool is_unreserved(char c) noexcept  // RFC 3986 section 2.3
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

std::string percent_encoded(std::string_view text)
{
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (is_unreserved(c)) {
            encoded += c;
        } else {
            encoded += {'%', hex[octet >> 4U], hex[octet & 0xFU]};
        }
    }
    return encoded;
}

/// As the key URI format spells it.
std::string_view uri_name(TotpAlgorithm algorithm) noexcept
{
    switch (algorithm) {
        case TotpAlgorithm::sha1:
            return "SHA1";
        case TotpAlgorithm::sha256:
            return "SHA256";
        case TotpAlgorithm::sha512:
            return "SHA512";
    }
    return "SHA1";
}

std::string uri_parameters(const TotpParameters& parameters)
{
    constexpr TotpParameters defaults;
    std::string text;
    if (parameters.algorithm != defaults.algorithm)
        text.append("&algorithm=").append(uri_name(parameters.algorithm));
    if (parameters.digits != defaults.digits) text += "&digits=" + std::to_string(parameters.digits);
    if (parameters.period != defaults.period) text += "&period=" + std::to_string(parameters.period.count());
    return text;
}

}  // namespace

std::string_view to_string(TotpAlgorithm algorithm) noexcept
{
    switch (algorithm) {
        case TotpAlgorithm::sha1:
            return "sha1";
        case TotpAlgorithm::sha256:
            return "sha256";
        case TotpAlgorithm::sha512:
            return "sha512";
    }
    return "unknown";
}

std::optional<TotpAlgorithm> parse_totp_algorithm(std::string_view text) noexcept
{
    for (const auto algorithm : {TotpAlgorithm::sha1, TotpAlgorithm::sha256, TotpAlgorithm::sha512}) {
        if (text == to_string(algorithm)) return algorithm;
    }
    return std::nullopt;
}

CodeMatch match_code(const Secret& secret, const TotpParameters& parameters, std::string_view code, Time now,
                     int window, TimeStep last_step)
{
    // What has not the form of a code matches no step, but is compared with each like any other.
    const bool well_formed = has_form_of_code(code, parameters.digits);
    Code given{};
    if (well_formed) std::ranges::copy(code, given.begin());

    CodeMatch match;
    const auto current = step_at(now, parameters.period);
    for (auto step = current - window; step <= current + window; ++step) {
        auto expected = code_of_step(secret, parameters, step);
        const bool same = CRYPTO_memcmp(expected.data(), given.data(), expected.size()) == 0;
        wipe(expected);
        if (!same || !well_formed) continue;
        match.matches = true;
        if (match.step || step <= last_step) continue;
        match.step = step;
        match.offset = static_cast<int>(step - current);
    }
    wipe(given);
    wipe_stack();  // where liboath had key and code
    return match;
}

Secret generate_totp_secret(TotpAlgorithm algorithm, Random& random)
{
    constexpr std::array<std::size_t, 3> sizes = {20, 32, 64};  // bytes; in the order of TotpAlgorithm
    Secret secret(sizes[static_cast<std::size_t>(algorithm)]);
    random.fill(secret.bytes());
    return secret;
}

Secret to_base32(const Secret& secret)
{
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    constexpr unsigned symbol_bits = 5, byte_bits = 8;
    Secret text((secret.size() * byte_bits + symbol_bits - 1) / symbol_bits);
    auto out = text.chars().begin();
    unsigned pending = 0;  // bits not yet written, the lowest `count` of it
    unsigned count = 0;
    for (const auto byte : secret.bytes()) {
        pending = (pending << byte_bits) | byte;
        count += byte_bits;
        for (; count >= symbol_bits; count -= symbol_bits) {
            *out++ = alphabet[(pending >> (count - symbol_bits)) & 0x1FU];
        }
    }
    if (count > 0) *out = alphabet[(pending << (symbol_bits - count)) & 0x1FU];
    return text;
}

Secret key_uri(std::string_view issuer, std::string_view name, const Secret& secret,
               const TotpParameters& parameters)
{
    const auto quoted_issuer = percent_encoded(issuer);
    const auto before = "otpauth://totp/" + quoted_issuer + ':' + percent_encoded(name) + "?secret=";
    const auto after = "&issuer=" + quoted_issuer + uri_parameters(parameters);
    const auto key = to_base32(secret);
    Secret uri(before.size() + key.size() + after.size());
    auto out = uri.chars().begin();
    for (const auto part : {std::string_view(before), key.view(), std::string_view(after)}) {
        out = std::ranges::copy(part, out).out;
    }
    return uri;
}

int lifetime_limit(int digits, int window) noexcept
{
    constexpr std::int64_t chances_in_100000 = 31;  // 3.1e-4, in whole numbers: no rounding
    std::int64_t codes_by_100000 = 1;
    for (int digit = 5; digit < digits; ++digit) codes_by_100000 *= 10;
    return static_cast<int>(chances_in_100000 * codes_by_100000 / (2 * window + 1));
}

}  // namespace securelogin::auth
