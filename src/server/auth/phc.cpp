#include "server/auth/phc.hpp"

#include <array>
#include <charconv>
#include <cstddef>

namespace securelogin::auth {
namespace {

constexpr std::size_t kShortestSalt = 8, kLongestSalt = 48;   // bytes
constexpr std::size_t kShortestHash = 16, kLongestHash = 64;  // bytes
constexpr std::uint32_t kBlocksPerLane = 8;  // RFC 9106 section 3.1: at least 8p KiB of memory

/// Cuts `expected` off the front of `text`.
bool take(std::string_view& text, std::string_view expected) noexcept
{
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

/// Cuts a decimal number off the front of `text`: one spelling each, so no sign and no leading zero.
std::optional<std::uint32_t> take_number(std::string_view& text) noexcept
{
    std::uint32_t number = 0;
    if (text.starts_with('0')) return std::nullopt;  // no parameter of ours may be 0
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

constexpr std::uint8_t kNoSymbol = 0xFF;

/// By octet: what a base64 symbol stands for.
constexpr auto kSextets = [] {
    constexpr std::string_view symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<std::uint8_t, 256> values{};
    values.fill(kNoSymbol);
    for (std::size_t i = 0; i < symbols.size(); ++i)
        values[static_cast<std::uint8_t>(symbols[i])] = static_cast<std::uint8_t>(i);
    return values;
}();

/// How many bytes unpadded base64 stands for; nothing when it is none, or has bits that belong to no byte.
std::optional<std::size_t> decoded_size(std::string_view base64) noexcept
{
    unsigned last = 0;
    for (const char c : base64) {
        last = kSextets[static_cast<std::uint8_t>(c)];
        if (last == kNoSymbol) return std::nullopt;
    }
    constexpr unsigned unused_bits[] = {0, 0, 0xF, 0x3};  // by the number of symbols in the last group
    const auto symbols = base64.size() % 4;
    if (symbols == 1 || (last & unused_bits[symbols]) != 0) return std::nullopt;
    return base64.size() * 3 / 4;
}

bool is_base64_of(std::string_view text, std::size_t shortest, std::size_t longest) noexcept
{
    const auto size = decoded_size(text);
    return size && *size >= shortest && *size <= longest;
}

bool is_bearable(const HashParameters& parameters) noexcept
{
    return parameters.memory_kib <= kCeiling.memory_kib && parameters.passes <= kCeiling.passes &&
           parameters.lanes <= kCeiling.lanes && parameters.memory_kib >= kBlocksPerLane * parameters.lanes;
}

}  // namespace

std::optional<HashParameters> parse_phc(std::string_view phc) noexcept
{
    if (!take(phc, "$argon2id$v=19$m=")) return std::nullopt;
    const auto memory = take_number(phc);
    if (!memory || !take(phc, ",t=")) return std::nullopt;
    const auto passes = take_number(phc);
    if (!passes || !take(phc, ",p=")) return std::nullopt;
    const auto lanes = take_number(phc);
    if (!lanes || !take(phc, "$")) return std::nullopt;

    const auto dollar = phc.find('$');
    if (dollar == std::string_view::npos) return std::nullopt;
    if (!is_base64_of(phc.substr(0, dollar), kShortestSalt, kLongestSalt)) return std::nullopt;
    if (!is_base64_of(phc.substr(dollar + 1), kShortestHash, kLongestHash)) return std::nullopt;

    const HashParameters parameters{*memory, *passes, *lanes};
    return is_bearable(parameters) ? std::optional(parameters) : std::nullopt;
}

}  // namespace securelogin::auth
