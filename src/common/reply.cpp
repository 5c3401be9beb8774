#include "common/reply.hpp"

#include <algorithm>

#include "common/secret.hpp"

namespace securelogin {
namespace {

constexpr std::size_t kDigits = 3;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

}  // namespace

std::string to_wire(const Reply& reply)
{
    const auto digits = std::to_string(reply.code);
    std::size_t size = digits.size() + reply.text.size() + 3;
    for (const auto& [key, value] : reply.facts) size += digits.size() + key.size() + value.size() + 4;
    std::string wire;
    wire.reserve(size);  // a string that grows leaves copies, and a fact may be a secret
    for (const auto& [key, value] : reply.facts) {
        wire.append(digits).append("-").append(key).append(" ").append(value).append("\r\n");
    }
    return wire.append(digits).append(" ").append(reply.text).append("\r\n");
}

void forget_values(Reply& reply) noexcept
{
    for (auto& [key, value] : reply.facts) wipe(value);
}

std::optional<ReplyLine> parse_reply_line(std::string_view line) noexcept
{
    if (line.size() < kDigits + 1) return std::nullopt;
    if (!std::ranges::all_of(line.substr(0, kDigits), is_digit) || line[0] == '0') return std::nullopt;
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    const auto rest = line.substr(kDigits + 1);
    if (line[kDigits] == ' ') return ReplyLine{.code = code, .last = true, .key = {}, .text = rest};
    if (line[kDigits] != '-') return std::nullopt;
    const auto blank = rest.find(' ');
    const auto key = rest.substr(0, blank);
    if (key.empty()) return std::nullopt;
    const auto value = blank == std::string_view::npos ? std::string_view{} : rest.substr(blank + 1);
    return ReplyLine{.code = code, .last = false, .key = key, .text = value};
}

}  // namespace securelogin
