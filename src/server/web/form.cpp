#include "server/web/form.hpp"

#include <algorithm>

namespace securelogin::web {
namespace {

int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Nothing when a `%` begins no octet.
std::optional<Secret> decode(std::string_view text)
{
    Secret decoded(text.size());
    auto out = decoded.chars().begin();
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            *out++ = text[at] == '+' ? ' ' : text[at];
            continue;
        }
        if (at + 2 >= text.size()) return std::nullopt;
        const int high = digit(text[at + 1]);
        const int low = digit(text[at + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        *out++ = static_cast<char>(high * 16 + low);
        at += 2;
    }
    decoded.truncate(static_cast<std::size_t>(out - decoded.chars().begin()));
    return decoded;
}

}  // namespace

std::optional<Form> Form::parse(std::string_view text)
{
    Form form;
    while (!text.empty()) {
        const auto field = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), field.size() + 1));
        if (field.empty()) continue;
        const auto equals = std::min(field.find('='), field.size());
        const auto name = decode(field.substr(0, equals));
        auto value = decode(field.substr(std::min(field.size(), equals + 1)));
        if (!name || !value || form.fields_.size() == kMostFields) return std::nullopt;
        const auto is_same = [&](const auto& other) { return other.first == name->view(); };
        if (std::ranges::any_of(form.fields_, is_same)) return std::nullopt;
        form.fields_.emplace_back(std::string(name->view()), *std::move(value));
    }
    return form;
}

std::string_view Form::operator[](std::string_view name) const noexcept
{
    const auto found =
        std::ranges::find(fields_, name, [](const auto& field) -> std::string_view { return field.first; });
    return found == fields_.end() ? std::string_view() : found->second.view();
}

}  // namespace securelogin::web
