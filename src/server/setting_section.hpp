// setting_section.hpp: a section of the settings' file, read key by key as a table of its keys says.
//
// What is in no table is refused, with a word on what may have been meant.  One thread.
#pragma once

#include <span>
#include <string_view>

#include "server/config.hpp"
#include "server/setting_value.hpp"

namespace securelogin {

struct SettingKey {
    std::string_view name;
    /// Puts the value where it belongs.  Throws StartupError.
    void (*read)(const SettingValue& value, Settings& settings);
};

struct SettingSection {
    std::string_view name;  // empty: what stands before the first section
    std::span<const SettingKey> keys;
};

/// All of them, first what stands before the first: setting_keys.cpp.
[[nodiscard]] std::span<const SettingSection> setting_sections() noexcept;

/// Everything in `table`, whose keys are `section`'s; in the first of all sections, the others too.
/// Throws StartupError.
void read_section(const SettingSection& section, const toml::table& table, std::string_view origin,
                  Settings& settings);

}  // namespace securelogin
