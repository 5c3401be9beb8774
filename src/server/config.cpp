#include "server/config.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <ranges>

#include "server/setting_section.hpp"
#include "server/setting_text.hpp"
#include "server/setting_value.hpp"
#include "server/settings_file.hpp"
#include "server/toml.hpp"

namespace securelogin {
namespace {

constexpr std::string_view kDefaultListener = "127.0.0.1:9999";

/// The place of the first of `keys` that is there.  REQUIRES: one of them is.
SettingPlace place_of(const toml::table& root, std::string_view origin,
                      std::initializer_list<std::string_view> keys)
{
    SettingPlace place{origin, {}};
    for (const auto key : keys | std::views::reverse) {
        if (const auto* const node = root.at_path(key).node()) place.position = node->source().begin;
    }
    return place;
}

void check_together(const toml::table& root, std::string_view origin, const Settings& settings)
{
    if (settings.tls.certificate.has_value() != settings.tls.key.has_value()) {
        refuse_setting(place_of(root, origin, {"tls.certificate", "tls.key"}),
                       "tls.certificate and tls.key go together: give both, or neither");
    }
    if (!listens_somewhere(settings.listen)) {
        refuse_setting(place_of(root, origin, {"listen.tls", "listen.plain"}),
                       "there is nothing to listen on: give listen.tls an address, or leave it out");
    }
    const auto& alarm = settings.alarms.command;
    if (!alarm.empty() && !alarm.front().starts_with('/')) {
        refuse_setting(
            place_of(root, origin, {"alarms.command"}),
            "alarms.command is to begin with a program's absolute path: [\"/usr/local/bin/page\", \"-v\"]");
    }
    const auto& waits = settings.policy.waits;
    if (waits.first_wait > waits.longest_wait) {
        refuse_setting(place_of(root, origin, {"waits.first", "waits.longest"}),
                       fmt::format("waits.first ({} s) is longer than waits.longest ({} s): set both",
                                   waits.first_wait.count(), waits.longest_wait.count()));
    }
    const auto& sessions = settings.policy.sessions;
    if (sessions.idle > sessions.absolute) {
        refuse_setting(place_of(root, origin, {"session.idle", "session.absolute"}),
                       fmt::format("session.idle ({} s) is longer than session.absolute ({} s): set both",
                                   sessions.idle.count(), sessions.absolute.count()));
    }
}

std::string host_name()
{
    std::array<char, 256> buffer{};  // longer than HOST_NAME_MAX; the last octet stays NUL
    if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
    std::string name = buffer.data();
    return why_not_server_name(name) ? "localhost" : name;
}

toml::table parse(std::string_view text, std::string_view origin)
{
    if (text.size() > kLargestSettingsFile) {
        refuse_setting(
            {origin, {1, 1}},
            fmt::format("the file is larger than {} octets: is it the right one?", kLargestSettingsFile));
    }
    // The parser's behaviour is undefined for some of these (toml++ 3.3, is_non_ascii_horizontal_whitespace).
    if (const auto offset = unquoted_non_ascii(text)) {
        const auto before = text.substr(0, *offset);
        const auto line = std::ranges::count(before, '\n') + 1;
        const auto column =
            *offset - (before.rfind('\n') + 1) + 1;  // octets; from 0 when there is no newline
        refuse_setting({origin, {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(column)}},
                       "only letters of English may stand outside quotes: put quotes around the value");
    }
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        refuse_setting({origin, error.source().begin}, error.description());
    } catch (const TomlParserFault&) {
        refuse_setting({origin, {1, 1}},
                       "this is not TOML: compare it with the example of securelogind.toml(5)");
    }
}

}  // namespace

bool listens_somewhere(const Settings::Listen& listen) noexcept
{
    return !listen.tls.empty() || !listen.plain.empty() || !listen.web.empty() || !listen.web_plain.empty();
}

Settings parse_settings(std::string_view toml, std::string_view origin)
{
    const auto root = parse(toml, origin);
    Settings settings;
    read_section(setting_sections().front(), root, origin, settings);
    if (settings.name.empty()) settings.name = host_name();
    if (settings.web.name.empty()) settings.web.name = settings.issuer;
    if (!root.at_path("listen.tls") && !root.at_path("listen.plain")) {
        settings.listen.tls.emplace_back(kDefaultListener);
    }
    check_together(root, origin, settings);
    return settings;
}

Settings read_settings(const std::optional<std::filesystem::path>& file)
{
    const auto path = file.value_or(kDefaultConfigFile);
    const auto text = read_settings_file(path);
    if (!text && file) {
        throw StartupError(fmt::format("{}: reading the settings: {}: name another file with --config",
                                       path.string(), std::strerror(ENOENT)));
    }
    return parse_settings(text.value_or(""), path.string());
}

}  // namespace securelogin
