#include "common/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace securelogin {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Nothing when there is padding and it is not the right amount.
std::optional<std::string_view> without_padding(std::string_view text) noexcept
{
    if (!text.ends_with('=')) return text;
    if (text.size() % 4 != 0) return std::nullopt;
    text.remove_suffix(text.ends_with("==") ? 2 : 1);
    return text;
}

/// Whether `symbols` is the one spelling of some bytes: two would be two names for one key.
bool is_canonical(std::string_view symbols) noexcept
{
    const auto value = [](char symbol) { return kAlphabet.find(symbol); };
    if (std::ranges::any_of(symbols, [&](char c) { return value(c) == std::string_view::npos; }))
        return false;
    switch (symbols.size() % 4) {
        case 0:
            return true;
        case 2:
            return value(symbols.back()) % 16 == 0;  // four of its six bits belong to no byte
        case 3:
            return value(symbols.back()) % 4 == 0;  // two
        default:
            return false;
    }
}

}  // namespace

std::string to_base64(std::span<const std::uint8_t> bytes)
{
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends with NUL
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    while (text.ends_with('=')) text.pop_back();
    return text;
}

std::optional<Secret> from_base64(std::string_view text)
{
    const auto symbols = without_padding(text);
    if (!symbols || !is_canonical(*symbols)) return std::nullopt;
    Secret padded((symbols->size() + 3) / 4 * 4);
    std::ranges::fill(padded.chars(), '=');
    std::ranges::copy(*symbols, padded.chars().begin());
    Secret bytes(padded.size() / 4 * 3);
    if (bytes.empty()) return bytes;
    const int size =
        EVP_DecodeBlock(bytes.bytes().data(), padded.bytes().data(), static_cast<int>(padded.size()));
    if (size < 0) return std::nullopt;
    bytes.truncate(symbols->size() * 3 / 4);
    return bytes;
}

}  // namespace securelogin
