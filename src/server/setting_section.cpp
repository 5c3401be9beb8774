#include "server/setting_section.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>
#include <string>
#include <vector>

#include "server/setting_text.hpp"

namespace securelogin {
namespace {

bool is_top(const SettingSection& section) noexcept { return section.name.empty(); }

std::string full_name(const SettingSection& section, std::string_view key)
{
    return is_top(section) ? std::string(key) : fmt::format("{}.{}", section.name, key);
}

const SettingKey* find_key(const SettingSection& section, std::string_view name)
{
    const auto found = std::ranges::find(section.keys, name, &SettingKey::name);
    return found == section.keys.end() ? nullptr : &*found;
}

const SettingSection* find_section(std::string_view name)
{
    const auto all = setting_sections();
    const auto found = std::ranges::find(all, name, &SettingSection::name);
    return found == all.end() || name.empty() ? nullptr : &*found;
}

std::vector<std::string_view> names_in(const SettingSection& section)
{
    std::vector<std::string_view> names;
    for (const auto& key : section.keys) names.push_back(key.name);
    if (is_top(section)) {
        for (const auto& other : setting_sections() | std::views::drop(1)) names.push_back(other.name);
    }
    return names;
}

/// What whoever wrote the unknown key `name` may have meant.
std::string remedy_for_unknown(const SettingSection& section, std::string_view name)
{
    constexpr std::size_t near = 2;
    const auto names = names_in(section);
    const auto distance = [&](std::string_view known) { return edit_distance(name, known); };
    const auto nearest = std::ranges::min_element(names, {}, distance);
    if (name.size() < 64 && distance(*nearest) <= near) return fmt::format("did you mean {}?", *nearest);
    for (const auto& other : setting_sections()) {
        if (find_key(other, name) == nullptr) continue;
        return is_top(other) ? "move it to the top, before the first [section]"
                             : fmt::format("move it under [{}]", other.name);
    }
    return fmt::format("leave it out; known here: {}", fmt::join(names, ", "));
}

}  // namespace

void read_section(const SettingSection& section, const toml::table& table, std::string_view origin,
                  Settings& settings)
{
    for (const auto& [name, node] : table) {
        const SettingPlace place{origin, name.source().begin};
        if (const auto* const key = find_key(section, name)) {
            key->read(SettingValue(node, full_name(section, name), origin), settings);
        } else if (const auto* const inner = is_top(section) ? find_section(name) : nullptr) {
            if (!node.is_table())
                refuse_setting(place, fmt::format("{0} is a section: write [{0}]", inner->name));
            read_section(*inner, *node.as_table(), origin, settings);
        } else {
            refuse_setting(place, fmt::format("{} is not a setting: {}", full_name(section, name.str()),
                                              remedy_for_unknown(section, name.str())));
        }
    }
}

}  // namespace securelogin
