#include "server/auth/old_hash.hpp"

#include <crypt.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

#include "common/base64.hpp"
#include "common/openssl.hpp"
#include "server/auth/apr1.hpp"

namespace securelogin::auth {
namespace {

constexpr std::array<std::pair<OldScheme, std::string_view>, 4> kNames{{{OldScheme::sha256, "sha256"},
                                                                        {OldScheme::sha1, "sha1"},
                                                                        {OldScheme::apr1, "apr1"},
                                                                        {OldScheme::crypt, "crypt"}}};
constexpr std::size_t kSha256Digits = 64;  // characters
constexpr std::size_t kSha1Text = 28;      // characters of padded base64
constexpr std::size_t kSha1Size = 20;      // bytes
constexpr std::string_view kSha1Prefix = "{SHA}";
constexpr std::string_view kApr1Prefix = "$apr1$";
constexpr std::size_t kApr1Digest = 22;  // characters
/// In the order of their values in what crypt(3) encodes.
constexpr std::string_view kCryptSymbols = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Where the setting ends and how long the digest is; or what is wrong.
struct Form {
    std::size_t setting = 0;  // characters
    std::size_t digest = 0;   // characters
};
using FormOrWhy = std::variant<Form, std::string>;

bool is_symbols(std::string_view text) noexcept
{
    return text.find_first_not_of(kCryptSymbols) == std::string_view::npos;
}

std::string malformed(std::string_view method) { return "malformed " + std::string(method); }

/// SETTING is `front` and a salt of 1 to `longest` characters, and the dollar behind it.
FormOrWhy salted(std::string_view text, std::size_t front, std::size_t longest, std::size_t digest,
                 std::string_view method)
{
    const auto dollar = text.find('$', front);
    if (dollar == std::string_view::npos || dollar == front || dollar - front > longest ||
        !is_symbols(text.substr(front, dollar - front))) {
        return malformed(method);
    }
    return Form{.setting = dollar + 1, .digest = digest};
}

FormOrWhy bcrypt_form(std::string_view text)
{
    constexpr std::size_t setting = 29;
    constexpr std::size_t digest = 31;
    constexpr std::size_t cost_at = 4;
    constexpr int cheapest = 4;
    const auto cost = text.substr(std::min(cost_at, text.size()), 2);
    int rounds = 0;
    const auto [end, error] = std::from_chars(cost.data(), cost.data() + cost.size(), rounds);
    if (text.size() < setting || error != std::errc{} || end != cost.data() + cost.size() ||
        text[cost_at + 2] != '$' || !is_symbols(text.substr(cost_at + 3, setting - cost_at - 3)) ||
        rounds < cheapest) {
        return malformed("bcrypt");
    }
    if (rounds > kDearestBcrypt) return "bcrypt of a cost above " + std::to_string(kDearestBcrypt);
    return Form{.setting = setting, .digest = digest};
}

FormOrWhy sha_crypt_form(std::string_view text, std::size_t digest, std::string_view method)
{
    constexpr std::size_t front = 3;
    constexpr std::size_t longest_salt = 16;
    constexpr unsigned long fewest = 1000;
    constexpr std::string_view keyword = "rounds=";
    if (!text.substr(front).starts_with(keyword)) return salted(text, front, longest_salt, digest, method);
    const auto number = text.substr(front + keyword.size());
    unsigned long rounds = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rounds);
    const auto digits = static_cast<std::size_t>(end - number.data());
    // crypt(3) writes them in one way only: what it would have written otherwise is not its own.
    if (error == std::errc::result_out_of_range || (error == std::errc{} && rounds > kMostShaCryptRounds))
        return std::string(method) + " of more than " + std::to_string(kMostShaCryptRounds) + " rounds";
    if (error != std::errc{} || rounds < fewest || number.starts_with('0') || digits >= number.size() ||
        number[digits] != '$') {
        return malformed(method);
    }
    return salted(text, front + keyword.size() + digits + 1, longest_salt, digest, method);
}

/// `$y$`, flavour, log2 of N, r, and nothing more: what crypt_gensalt(3) makes.
FormOrWhy yescrypt_form(std::string_view text)
{
    constexpr std::size_t front = 3;
    constexpr std::size_t parameters = 3;
    constexpr std::size_t longest_salt = 86;
    constexpr std::size_t digest = 43;
    constexpr std::size_t bytes_per_block = 128;
    constexpr std::size_t one_character_values = 48;
    constexpr std::size_t largest_log = 40;
    if (text.size() <= front + parameters || text[front] != 'j' || text[front + parameters] != '$')
        return std::string("yescrypt with parameters that crypt(3) does not choose");
    const auto log = kCryptSymbols.find(text[front + 1]);
    const auto blocks = kCryptSymbols.find(text[front + 2]);
    if (log >= one_character_values || blocks >= one_character_values) return malformed("yescrypt");
    if (log > largest_log || (bytes_per_block * (blocks + 1)) << (log + 1) > kMostYescryptMemory)
        return "yescrypt of more than " + std::to_string(kMostYescryptMemory >> 20U) + " MiB";
    return salted(text, front + parameters + 1, longest_salt, digest, "yescrypt");
}

FormOrWhy apr1_form(std::string_view text)
{
    constexpr std::size_t longest_salt = 8;
    return salted(text, kApr1Prefix.size(), longest_salt, kApr1Digest, "apr1");
}

FormOrWhy crypt_form(std::string_view text)
{
    constexpr std::size_t sha256_digest = 43;
    constexpr std::size_t sha512_digest = 86;
    constexpr std::size_t md5_digest = 22;
    constexpr std::size_t md5_salt = 8;
    if (text.starts_with("$2a$") || text.starts_with("$2b$") || text.starts_with("$2y$"))
        return bcrypt_form(text);
    if (text.starts_with("$1$")) return salted(text, 3, md5_salt, md5_digest, "MD5-crypt");
    if (text.starts_with("$5$")) return sha_crypt_form(text, sha256_digest, "SHA-256-crypt");
    if (text.starts_with("$6$")) return sha_crypt_form(text, sha512_digest, "SHA-512-crypt");
    if (text.starts_with("$y$")) return yescrypt_form(text);
    return std::string("of no kind that is known");
}

std::variant<OldHash, std::string> with_form(OldScheme scheme, std::string_view text, const FormOrWhy& form)
{
    if (const auto* const why = std::get_if<std::string>(&form)) return *why;
    const auto& [setting, digest] = std::get<Form>(form);
    const auto rest = text.substr(setting);
    if (rest.size() != digest || !is_symbols(rest)) return std::string("malformed, or cut off");
    return OldHash{
        .scheme = scheme, .setting = std::string(text.substr(0, setting)), .digest = Secret::copy_of(rest)};
}

std::optional<OldHash> parse_sha256(std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdefABCDEF";
    if (text.size() != kSha256Digits || text.find_first_not_of(digits) != std::string_view::npos)
        return std::nullopt;
    auto digest = Secret::copy_of(text);
    for (auto& c : digest.chars()) {
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    }
    return OldHash{.scheme = OldScheme::sha256, .setting = "", .digest = std::move(digest)};
}

std::variant<OldHash, std::string> parse_sha1(std::string_view text)
{
    text.remove_prefix(kSha1Prefix.size());
    const auto octets = from_base64(text);
    if (text.size() != kSha1Text || !octets || octets->size() != kSha1Size) return malformed("{SHA}");
    return OldHash{.scheme = OldScheme::sha1, .setting = "", .digest = Secret::copy_of(text)};
}

using Octets = std::array<std::uint8_t, EVP_MAX_MD_SIZE>;

std::size_t hash_once(const EVP_MD* algorithm, const Secret& password, Octets& octets)
{
    unsigned size = 0;
    const auto* const data = password.empty() ? "" : password.view().data();
    if (EVP_Digest(data, password.size(), octets.data(), &size, algorithm, nullptr) != 1)
        throw OpenSslError("computing an old hash");
    return size;
}

Secret sha256_digest_of(const Secret& password)
{
    constexpr std::string_view digits = "0123456789abcdef";
    Octets octets{};
    const auto size = hash_once(EVP_sha256(), password, octets);
    Secret text(2 * size);
    for (std::size_t i = 0; i < size; ++i) {
        text.chars()[2 * i] = digits[octets.at(i) >> 4U];
        text.chars()[2 * i + 1] = digits[octets.at(i) & 0xFU];
    }
    wipe({reinterpret_cast<char*>(octets.data()), octets.size()});
    return text;
}

Secret sha1_digest_of(const Secret& password)
{
    Octets octets{};
    const auto size = hash_once(EVP_sha1(), password, octets);
    auto text = to_base64(std::span(octets).first(size)) + "=";
    auto digest = Secret::copy_of(text);
    wipe(text);
    wipe({reinterpret_cast<char*>(octets.data()), octets.size()});
    return digest;
}

/// 32 KiB of what the hash goes through: on the heap, and wiped.
struct CryptData {
    CryptData() : value(std::make_unique<crypt_data>()) {}
    ~CryptData() { wipe({reinterpret_cast<char*>(value.get()), sizeof(crypt_data)}); }
    CryptData(const CryptData&) = delete;
    CryptData& operator=(const CryptData&) = delete;
    std::unique_ptr<crypt_data> value;
};

Secret crypt_digest_of(const std::string& setting, const Secret& password)
{
    const auto form = crypt_form(setting);
    const auto* const known = std::get_if<Form>(&form);
    if (known == nullptr || known->setting != setting.size())
        throw std::runtime_error("computing an old hash: its setting is none");
    Secret terminated(password.size() + 1);
    std::ranges::copy(password.view(), terminated.chars().begin());
    const CryptData data;
    errno = 0;
    const char* const made = crypt_r(terminated.chars().data(), setting.c_str(), data.value.get());
    if (made == nullptr || *made == '*') {
        if (errno == ERANGE) return {};  // longer than the method takes: it was never set
        if (errno == ENOMEM) throw std::bad_alloc();
        throw std::runtime_error("computing an old hash: crypt(3) refuses its setting");
    }
    const std::string_view text(made);
    const bool asked_for_all = password.view().find('\0') == std::string_view::npos;
    if (!asked_for_all || text.size() < known->digest) return {};
    return Secret::copy_of(text.substr(text.size() - known->digest));
}

}  // namespace

std::string_view to_string(OldScheme scheme) noexcept
{
    for (const auto& [known, name] : kNames) {
        if (known == scheme) return name;
    }
    return "unknown";
}

std::optional<OldScheme> parse_old_scheme(std::string_view text) noexcept
{
    for (const auto& [scheme, name] : kNames) {
        if (name == text) return scheme;
    }
    return std::nullopt;
}

std::variant<OldHash, std::string> parse_old_hash(std::string_view text)
{
    if (auto sha256 = parse_sha256(text)) return *std::move(sha256);
    if (text.starts_with(kSha1Prefix)) return parse_sha1(text);
    if (text.starts_with(kApr1Prefix)) return with_form(OldScheme::apr1, text, apr1_form(text));
    return with_form(OldScheme::crypt, text, crypt_form(text));
}

bool is_good_setting(OldScheme scheme, std::string_view setting)
{
    const auto is_all = [&](const FormOrWhy& form) {
        const auto* const known = std::get_if<Form>(&form);
        return known != nullptr && known->setting == setting.size();
    };
    switch (scheme) {
        case OldScheme::sha256:
        case OldScheme::sha1:
            return setting.empty();
        case OldScheme::apr1:
            return setting.starts_with(kApr1Prefix) && is_all(apr1_form(setting));
        case OldScheme::crypt:
            return is_all(crypt_form(setting));
    }
    return false;
}

Secret old_digest(OldScheme scheme, const std::string& setting, const Secret& password)
{
    switch (scheme) {
        case OldScheme::sha256:
            return sha256_digest_of(password);
        case OldScheme::sha1:
            return sha1_digest_of(password);
        case OldScheme::apr1: {
            const auto front = kApr1Prefix.size() + 1;  // and the dollar behind the salt
            if (setting.size() <= front) throw std::runtime_error("computing an old hash: it has no salt");
            return apr1_digest(password,
                               std::string_view(setting).substr(kApr1Prefix.size(), setting.size() - front));
        }
        case OldScheme::crypt:
            return crypt_digest_of(setting, password);
    }
    throw std::runtime_error("computing an old hash: of no kind that is known");
}

}  // namespace securelogin::auth
