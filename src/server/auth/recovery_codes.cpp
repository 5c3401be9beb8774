#include "server/auth/recovery_codes.hpp"

#include <algorithm>

namespace securelogin::auth {
namespace {

constexpr std::string_view kCodeSymbols = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";  // 5 bits each; no I, O, 0, 1
constexpr std::size_t kCodeLength = 16;                                        // of a code
constexpr std::size_t kCodeGroup = 4;

static_assert(kCodeSymbols.size() == 32, "a byte is cut to five bits without favouring any symbol");

char upper_case(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

Secret generate_code(Random& random)
{
    Secret draws(kCodeLength);
    random.fill(draws.bytes());
    Secret code(kCodeLength + kCodeLength / kCodeGroup - 1);
    auto out = code.chars().begin();
    for (std::size_t at = 0; at < kCodeLength; ++at) {
        if (at > 0 && at % kCodeGroup == 0) *out++ = '-';
        *out++ = kCodeSymbols[draws.bytes()[at] % kCodeSymbols.size()];
    }
    return code;
}

/// The user's id, big-endian, and the code.
Secret message_of(UserId user, std::string_view code)
{
    constexpr std::size_t id_size = sizeof(std::int64_t);
    auto id = static_cast<std::uint64_t>(user);
    Secret message(id_size + code.size());
    for (std::size_t at = id_size; at-- > 0; id >>= 8U) {
        message.bytes()[at] = static_cast<std::uint8_t>(id & 0xFFU);
    }
    std::ranges::copy(code, message.chars().begin() + id_size);
    return message;
}

}  // namespace

std::vector<Secret> generate_recovery_codes(Random& random)
{
    std::vector<Secret> codes;
    codes.reserve(kRecoveryCodes);
    while (codes.size() < kRecoveryCodes) {
        auto code = generate_code(random);
        const auto same = [&](const Secret& other) { return other.view() == code.view(); };
        if (std::ranges::none_of(codes, same)) codes.push_back(std::move(code));
    }
    return codes;
}

std::optional<Secret> parse_recovery_code(std::string_view typed)
{
    Secret code(kCodeLength);
    std::size_t length = 0;
    for (const char c : typed) {
        if (c == '-') continue;
        const char symbol = upper_case(c);
        if (length == kCodeLength || kCodeSymbols.find(symbol) == std::string_view::npos) return std::nullopt;
        code.chars()[length++] = symbol;
    }
    if (length != kCodeLength) return std::nullopt;
    return code;
}

RecoveryCodeKeyer::RecoveryCodeKeyer(const NameKeyer& names) : hmac_(names.derive("recovery codes")) {}

RecoveryCodeHash RecoveryCodeKeyer::operator()(UserId user, std::string_view code) const
{
    const auto message = message_of(user, code);
    return hmac_(message.view());
}

std::vector<RecoveryCodeHash> RecoveryCodeKeyer::hashes(UserId user, std::span<const Secret> codes) const
{
    std::vector<RecoveryCodeHash> all;
    all.reserve(codes.size());
    for (const auto& code : codes) {
        const auto parsed = parse_recovery_code(code.view());
        // Not one of ours: kept as it is, it could never be used.
        all.push_back((*this)(user, parsed ? parsed->view() : code.view()));
    }
    return all;
}

}  // namespace securelogin::auth
