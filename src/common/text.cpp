#include "common/text.hpp"

#include <utf8proc.h>

namespace securelogin {

std::optional<DecodedCharacter> decode_utf8(std::string_view text) noexcept
{
    if (text.empty()) return std::nullopt;
    utf8proc_int32_t code_point = 0;
    const auto octets = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                         static_cast<utf8proc_ssize_t>(text.size()), &code_point);
    if (octets <= 0 || code_point < 0) return std::nullopt;
    return DecodedCharacter{code_point, static_cast<std::size_t>(octets)};
}

bool is_control(std::int32_t code_point) noexcept
{
    return code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F);
}

bool is_printable(std::int32_t code_point) noexcept
{
    switch (utf8proc_category(code_point)) {
        case UTF8PROC_CATEGORY_CN:
        case UTF8PROC_CATEGORY_CC:
        case UTF8PROC_CATEGORY_CF:
        case UTF8PROC_CATEGORY_CS:
        case UTF8PROC_CATEGORY_CO:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
            return false;
        default:
            return true;
    }
}

std::string printable(std::string_view text)
{
    constexpr std::string_view hex = "0123456789abcdef";
    std::string shown;
    while (!text.empty()) {
        const auto decoded = decode_utf8(text);
        const auto octets = text.substr(0, decoded ? decoded->octets : 1);
        if (decoded && is_printable(decoded->code_point)) {
            shown += octets;
        } else {
            for (const char octet : octets) {
                const auto value = static_cast<unsigned char>(octet);
                shown += {'\\', 'x', hex[value >> 4U], hex[value & 0xFU]};
            }
        }
        text.remove_prefix(octets.size());
    }
    return shown;
}

std::string escaped(std::string_view text)
{
    std::string doubled;
    doubled.reserve(text.size());
    for (const char c : text) doubled.append(c == '\\' ? 2 : 1, c);
    return printable(doubled);
}

std::size_t count_code_points(std::string_view text) noexcept
{
    std::size_t count = 0;
    for (const char octet : text) count += (static_cast<unsigned char>(octet) & 0xC0U) != 0x80U ? 1 : 0;
    return count;
}

std::optional<Secret> nfc(std::string_view text)
{
    // utf8proc_map would leave copies in freed memory: these two steps work in a buffer of ours.
    constexpr auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    const auto* const input = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    const auto size = static_cast<utf8proc_ssize_t>(text.size());
    const auto needed = utf8proc_decompose(input, size, nullptr, 0, options);
    if (needed < 0) return std::nullopt;
    Secret buffer((static_cast<std::size_t>(needed) + 1) * sizeof(utf8proc_int32_t));
    auto* const code_points = reinterpret_cast<utf8proc_int32_t*>(buffer.chars().data());
    if (utf8proc_decompose(input, size, code_points, needed, options) != needed) return std::nullopt;
    const auto octets = utf8proc_reencode(code_points, needed, options);
    if (octets < 0) return std::nullopt;
    buffer.truncate(static_cast<std::size_t>(octets));
    return buffer;
}

}  // namespace securelogin
