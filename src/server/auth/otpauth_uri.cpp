#include "server/auth/otpauth_uri.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <utility>

#include "server/auth/user_name.hpp"

namespace securelogin::auth {
namespace {

constexpr std::size_t kLongestUri = 4096;  // octets
constexpr int kShortestPeriod = 10;        // seconds
constexpr int kLongestPeriod = 300;

using KeyOrWhy = std::variant<TotpKey, std::string>;

int base32_value(char c) noexcept
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a';
    if (c >= '2' && c <= '7') return c - '2' + 26;
    return -1;
}

int hex_value(char c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// RFC 3986 section 2.1; nothing for a percent sign that starts no octet.
std::optional<Secret> percent_decoded(std::string_view text)
{
    Secret decoded(text.size());
    std::size_t size = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
            if (low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        decoded.chars()[size++] = c;
    }
    decoded.truncate(size);
    return decoded;
}

std::optional<int> number_in(std::string_view text) noexcept
{
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// What has been read of the parameters.
struct Reading {
    std::optional<Secret> secret = {};
    TotpParameters parameters = {};
    std::uint8_t seen = 0;  // a bit each
};

constexpr std::string_view kParameters[] = {"secret", "algorithm", "digits", "period"};

/// Why not; nothing when it was taken.
std::optional<std::string> take(Reading& reading, std::string_view name, std::string_view value)
{
    const auto* const known = std::ranges::find(kParameters, name);
    if (known == std::ranges::end(kParameters)) return std::nullopt;
    const auto bit = static_cast<std::uint8_t>(1U << (known - std::ranges::begin(kParameters)));
    if ((reading.seen & bit) != 0) return std::string("a URI with two values of one parameter");
    reading.seen = static_cast<std::uint8_t>(reading.seen | bit);

    if (name == "secret") {
        reading.secret = from_base32(value);
        if (!reading.secret) return std::string("not base32");
    } else if (name == "algorithm") {
        const auto algorithm = parse_totp_algorithm(fold_case(value));
        if (!algorithm) return std::string("of an algorithm other than SHA1, SHA256 and SHA512");
        reading.parameters.algorithm = *algorithm;
    } else if (name == "digits") {
        const auto digits = number_in(value);
        if (digits != 6 && digits != 8) return std::string("of codes that have neither 6 nor 8 digits");
        reading.parameters.digits = *digits;
    } else {
        const auto period = number_in(value);
        if (!period || *period < kShortestPeriod || *period > kLongestPeriod)
            return std::string("of a period that is not 10 to 300 seconds");
        reading.parameters.period = std::chrono::seconds(*period);
    }
    return std::nullopt;
}

KeyOrWhy checked(Secret secret, const TotpParameters& parameters)
{
    if (secret.size() < kShortestTotpSecret)
        return "shorter than " + std::to_string(8 * kShortestTotpSecret) + " bits";
    if (secret.size() > kLongestTotpSecret)
        return "longer than " + std::to_string(8 * kLongestTotpSecret) + " bits";
    return TotpKey{.secret = std::move(secret), .parameters = parameters};
}

}  // namespace

std::optional<Secret> from_base32(std::string_view text)
{
    constexpr unsigned symbol_bits = 5;
    while (text.ends_with('=')) text.remove_suffix(1);
    Secret octets(text.size() * symbol_bits / 8);
    std::uint32_t bits = 0;
    unsigned held = 0;
    std::size_t size = 0;
    for (const char c : text) {
        if (c == ' ' || c == '-') continue;
        const int value = base32_value(c);
        if (value < 0) return std::nullopt;
        bits = (bits << symbol_bits) | static_cast<std::uint32_t>(value);
        held += symbol_bits;
        if (held < 8) continue;
        held -= 8;
        octets.bytes()[size++] = static_cast<std::uint8_t>(bits >> held);
        bits &= (1U << held) - 1;
    }
    if (held >= symbol_bits || bits != 0) return std::nullopt;
    octets.truncate(size);
    return octets;
}

std::variant<TotpKey, std::string> parse_otpauth_uri(std::string_view uri)
{
    constexpr std::string_view totp = "otpauth://totp/";
    constexpr std::string_view hotp = "otpauth://hotp/";
    if (uri.size() > kLongestUri) return std::string("too long a URI");
    const auto scheme = fold_case(uri.substr(0, totp.size()));
    if (scheme == hotp) return std::string("counter-based (hotp), and only time-based ones are taken");
    const auto question = uri.find('?');
    if (scheme != totp || question == std::string_view::npos)
        return std::string("not an otpauth://totp/ URI with parameters");

    Reading reading;
    auto rest = uri.substr(question + 1);
    while (!rest.empty()) {
        const auto parameter = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), parameter.size() + 1));
        const auto equals = parameter.find('=');
        if (equals == std::string_view::npos) continue;
        const auto value = parameter.substr(equals + 1);
        std::optional<Secret> decoded;
        if (value.find('%') != std::string_view::npos) {
            decoded = percent_decoded(value);
            if (!decoded) return std::string("a URI with a percent sign that starts no octet");
        }
        const auto name = fold_case(parameter.substr(0, equals));
        if (auto why = take(reading, name, decoded ? decoded->view() : value)) return *std::move(why);
    }
    if (!reading.secret) return std::string("a URI without a secret");
    return checked(*std::move(reading.secret), reading.parameters);
}

std::variant<TotpKey, std::string> parse_base32_key(std::string_view base32)
{
    auto secret = from_base32(base32);
    if (!secret) return std::string("not base32");
    return checked(*std::move(secret), {});
}

}  // namespace securelogin::auth
