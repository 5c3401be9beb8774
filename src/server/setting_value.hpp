// setting_value.hpp: a value in the settings' file, given as what it has to be, or refused where it stands.
//
// Whatever is refused is a StartupError that names file, line, column and remedy.  One thread.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/setting_text.hpp"
#include "server/toml.hpp"

namespace securelogin {

/// The text's name and the place in it that a message is about.
struct SettingPlace {
    std::string_view origin;
    toml::source_position position;
};

/// Throws StartupError.
[[noreturn]] void refuse_setting(const SettingPlace& place, std::string_view why);

/// The value of a known key.  Each member gives it as what the key must be, or throws StartupError.
class SettingValue {
  public:
    /// `key` is its name in full: limits.connections.  `node` and `origin`, the text's name, have to outlive
    /// this.
    SettingValue(const toml::node& node, std::string key, std::string_view origin)
        : node_(node), key_(std::move(key)), origin_(origin)
    {
    }

    template <typename Integer = std::size_t>
    [[nodiscard]] Integer integer(std::int64_t lowest, std::int64_t highest) const
    {
        return static_cast<Integer>(integer_between(lowest, highest));
    }

    [[nodiscard]] std::chrono::seconds seconds(std::int64_t lowest, std::int64_t highest) const
    {
        return std::chrono::seconds(integer_between(lowest, highest));
    }

    /// Printable, not empty, and nothing that `complaint` complains of.
    [[nodiscard]] std::string text(Complaint (*complaint)(const std::string&)) const;
    /// A list of such texts, of bounded length.
    [[nodiscard]] std::vector<std::string> texts(Complaint (*complaint)(const std::string&)) const;

    [[nodiscard]] bool boolean() const;

    /// What stands beside the word that the value is.
    template <typename Choice, std::size_t count>
    [[nodiscard]] Choice one_of(const std::array<std::pair<std::string_view, Choice>, count>& choices) const
    {
        const auto* const value = node_.as_string();
        for (const auto& [word, choice] : choices) {
            if (value != nullptr && value->get() == word) return choice;
        }
        const auto wanted = fmt::format("give \"{}\"", fmt::join(std::views::keys(choices), "\" or \""));
        if (value == nullptr) refuse_type(wanted);
        refuse_value(fmt::format("{} = \"{}\" is not known: {}", key_, value->get(), wanted));
    }

    /// Gives `read` each table of a list, [[...]].  It has no other values: an empty one says nothing.
    void each_table(std::size_t most, const std::function<void(const toml::table&)>& read) const;

    [[nodiscard]] std::string_view origin() const noexcept { return origin_; }

  private:
    [[nodiscard]] std::int64_t integer_between(std::int64_t lowest, std::int64_t highest) const;
    [[noreturn]] void refuse_value(std::string_view why) const;
    [[noreturn]] void refuse_type(std::string_view wanted) const;

    const toml::node& node_;
    const std::string key_;
    const std::string_view origin_;
};

}  // namespace securelogin
