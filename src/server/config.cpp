#include "server/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <ranges>
#include <span>

#include "common/text.hpp"
#include "server/auth/phc.hpp"
#include "server/setting_text.hpp"
#include "server/settings_file.hpp"
#include "server/toml.hpp"

namespace securelogin {
namespace {

constexpr std::size_t kMostListeners = 64;  // of each kind; words of a command
constexpr std::size_t kMostRules = 256;
constexpr std::string_view kDefaultListener = "127.0.0.1:9999";

/// The text's name and the place in it that a message is about.
struct Place {
    std::string_view origin;
    toml::source_position position;
};

[[noreturn]] void refuse(const Place& place, std::string_view why)
{
    throw StartupError(printable(
        fmt::format("{}:{}:{}: {}", place.origin, place.position.line, place.position.column, why)));
}

/// The value of a known key; each member gives it as what the key must be, or refuses it.
class Value {
  public:
    Value(const toml::node& node, std::string key, std::string_view origin)
        : node_(node), key_(std::move(key)), origin_(origin)
    {
    }

    template <typename Integer = std::size_t>
    [[nodiscard]] Integer integer(std::int64_t lowest, std::int64_t highest) const
    {
        const auto wanted = fmt::format("give an integer from {} to {}", lowest, highest);
        const auto* const value = node_.as_integer();
        if (value == nullptr) refuse_type(wanted);
        if (value->get() < lowest || value->get() > highest) {
            refuse_value(fmt::format("{} = {} is out of range: {}", key_, value->get(), wanted));
        }
        return static_cast<Integer>(value->get());
    }

    [[nodiscard]] std::chrono::seconds seconds(std::int64_t lowest, std::int64_t highest) const
    {
        return std::chrono::seconds(integer<std::int64_t>(lowest, highest));
    }

    [[nodiscard]] std::string text(Complaint (*complaint)(const std::string&)) const
    {
        const auto* const value = node_.as_string();
        if (value == nullptr) refuse_type("give a string in quotes");
        if (value->get().empty()) refuse_value(key_ + " is empty: give it a value, or leave the line out");
        if (printable(value->get()) != value->get()) {
            refuse_value(key_ + " holds a character that is not printable: leave it out");
        }
        if (const auto why = complaint(value->get())) {
            refuse_value(fmt::format("{} \"{}\" {}", key_, value->get(), *why));
        }
        return value->get();
    }

    [[nodiscard]] std::vector<std::string> texts(Complaint (*complaint)(const std::string&)) const
    {
        const auto* const array = node_.as_array();
        if (array == nullptr) refuse_type("give a list of strings: [\"...\", \"...\"]");
        if (array->size() > kMostListeners) {
            refuse_value(
                fmt::format("{} has {} entries: give {} at most", key_, array->size(), kMostListeners));
        }
        std::vector<std::string> all;
        for (const auto& entry : *array) all.push_back(Value(entry, key_, origin_).text(complaint));
        return all;
    }

    /// Gives `read` each table of a list, [[...]].  It has no other values: an empty one says nothing.
    void each_table(std::size_t most, const std::function<void(const toml::table&)>& read) const
    {
        const auto* const array = node_.as_array();
        if (array == nullptr) refuse_type(fmt::format("write [[{}]]", key_));
        if (array->size() > most) {
            refuse_value(fmt::format("{} is there {} times: {} at most", key_, array->size(), most));
        }
        for (const auto& entry : *array) {
            if (!entry.is_table()) Value(entry, key_, origin_).refuse_type(fmt::format("write [[{}]]", key_));
            read(*entry.as_table());
        }
    }

    [[nodiscard]] std::string_view origin() const noexcept { return origin_; }

    [[nodiscard]] bool boolean() const
    {
        const auto* const value = node_.as_boolean();
        if (value == nullptr) refuse_type("give true or false");
        return value->get();
    }

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

  private:
    [[noreturn]] void refuse_value(std::string_view why) const
    {
        refuse({origin_, node_.source().begin}, why);
    }
    [[noreturn]] void refuse_type(std::string_view wanted) const
    {
        std::string_view type = "a date or time";
        if (node_.is_table()) type = "a section";
        if (node_.is_array()) type = "a list";
        if (node_.is_string()) type = "a string";
        if (node_.is_integer()) type = "an integer";
        if (node_.is_floating_point()) type = "a fraction";
        if (node_.is_boolean()) type = "true or false";
        refuse_value(fmt::format("{} is {}: {}", key_, type, wanted));
    }

    const toml::node& node_;
    const std::string key_;  // in full: limits.connections
    const std::string_view origin_;
};

// ---- the keys: securelogind.toml(5) describes each ----

struct Key {
    std::string_view name;
    void (*read)(const Value& value, Settings& settings);
};

constexpr std::int64_t kDay = 86400;  // seconds

constexpr std::array kTopKeys{
    Key{"name", [](const Value& v, Settings& s) { s.name = v.text(why_not_server_name); }},
    Key{"issuer", [](const Value& v, Settings& s) { s.issuer = v.text(why_not_issuer); }},
    Key{"data", [](const Value& v, Settings& s) { s.data = v.text(why_not_absolute); }},
};

constexpr std::array kListenKeys{
    Key{"tls", [](const Value& v, Settings& s) { s.listen.tls = v.texts(why_not_tls_listener); }},
    Key{"plain", [](const Value& v, Settings& s) { s.listen.plain = v.texts(why_not_plain_listener); }},
    Key{"verify", [](const Value& v, Settings& s) { s.listen.verify = v.text(why_not_verify_listener); }},
    Key{"web", [](const Value& v, Settings& s) { s.listen.web = v.texts(why_not_web_listener); }},
    Key{"web_plain",
        [](const Value& v, Settings& s) { s.listen.web_plain = v.texts(why_not_plain_web_listener); }},
};

constexpr std::array<std::pair<std::string_view, bool>, 2> kTlsVersions{{{"1.3", false}, {"1.2", true}}};

constexpr std::array kTlsKeys{
    Key{"minimum_version", [](const Value& v, Settings& s) { s.tls.allow_tls12 = v.one_of(kTlsVersions); }},
    Key{"certificate", [](const Value& v, Settings& s) { s.tls.certificate = v.text(why_not_absolute); }},
    Key{"key", [](const Value& v, Settings& s) { s.tls.key = v.text(why_not_absolute); }},
};

constexpr std::array kLimitKeys{
    Key{"connections", [](const Value& v, Settings& s) { s.limits.connections = v.integer(1, 1000000); }},
    Key{"connections_per_source",
        [](const Value& v, Settings& s) { s.limits.connections_per_source = v.integer(1, 1000000); }},
    Key{"accepts_per_source",
        [](const Value& v, Settings& s) { s.limits.accepts_per_source = v.integer(1, 1000000); }},
    Key{"handshakes", [](const Value& v, Settings& s) { s.limits.handshakes = v.integer(1, 65536); }},
    Key{"handshakes_per_source",
        [](const Value& v, Settings& s) { s.limits.handshakes_per_source = v.integer(1, 65536); }},
    Key{"hash_queue", [](const Value& v, Settings& s) { s.limits.hash_queue = v.integer(1, 65536); }},
    Key{"tokens_remembered",
        [](const Value& v, Settings& s) { s.limits.tokens_remembered = v.integer(0, 100000000); }},
    Key{"hash_wait", [](const Value& v, Settings& s) { s.limits.hash_wait = v.seconds(1, 60); }},
};

constexpr std::array kDeadlineKeys{
    Key{"handshake", [](const Value& v, Settings& s) { s.deadlines.handshake = v.seconds(1, 300); }},
    Key{"answer", [](const Value& v, Settings& s) { s.deadlines.answer = v.seconds(1, 3600); }},
    Key{"login", [](const Value& v, Settings& s) { s.deadlines.login = v.seconds(1, 3600); }},
    Key{"idle", [](const Value& v, Settings& s) { s.deadlines.idle = v.seconds(1, kDay); }},
    Key{"enrolment", [](const Value& v, Settings& s) { s.deadlines.enrolment = v.seconds(1, 3600); }},
    Key{"drain", [](const Value& v, Settings& s) { s.deadlines.drain = v.seconds(1, 300); }},
};

constexpr std::array kThreadKeys{
    Key{"io", [](const Value& v, Settings& s) { s.threads.io = v.integer(0, 256); }},
    Key{"hash", [](const Value& v, Settings& s) { s.threads.hash = v.integer(0, 256); }},
};

constexpr std::array kPasswordKeys{
    Key{"memory_kib",
        [](const Value& v, Settings& s) {
            s.policy.hash.memory_kib =
                v.integer<std::uint32_t>(auth::kFloor.memory_kib, auth::kCeiling.memory_kib);
        }},
    Key{"passes",
        [](const Value& v, Settings& s) {
            s.policy.hash.passes = v.integer<std::uint32_t>(auth::kFloor.passes, auth::kCeiling.passes);
        }},
    Key{"breached_passwords",
        [](const Value& v, Settings& s) { s.breached_passwords = v.text(why_not_absolute); }},
};

constexpr std::array kTotpKeys{
    // 5 is for hardware whose clock has drifted by minutes; a code then lives for 5.5 minutes, and fewer
    // wrong ones
    // are borne (auth/totp.hpp, lifetime_limit).
    Key{"window", [](const Value& v, Settings& s) { s.policy.totp_window = v.integer<int>(0, 5); }},
};

constexpr std::array kWaitKeys{
    Key{"free",
        [](const Value& v, Settings& s) { s.policy.waits.free = v.integer<int>(0, 100); }},  // 63B-4 3.2.2
    Key{"first", [](const Value& v, Settings& s) { s.policy.waits.first_wait = v.seconds(1, 3600); }},
    Key{"longest", [](const Value& v, Settings& s) { s.policy.waits.longest_wait = v.seconds(1, kDay); }},
    Key{"strangers",
        [](const Value& v, Settings& s) { s.policy.ceiling.failures = v.integer<int>(1, 10000); }},
};

constexpr std::array kSessionKeys{
    Key{"idle", [](const Value& v, Settings& s) { s.policy.sessions.idle = v.seconds(1, kDay); }},
    Key{"absolute",
        [](const Value& v, Settings& s) { s.policy.sessions.absolute = v.seconds(1, 30 * kDay); }},
};

constexpr std::array kAlarmKeys{
    Key{"command", [](const Value& v, Settings& s) { s.alarms.command = v.texts(why_not_argument); }},
};

constexpr std::array<std::pair<std::string_view, LogFormat>, 2> kLogFormats{
    {{"text", LogFormat::text}, {"json", LogFormat::json}}};
constexpr std::array<std::pair<std::string_view, Level>, 4> kLogLevels{
    {{"debug", Level::debug}, {"info", Level::info}, {"warning", Level::warning}, {"error", Level::error}}};

constexpr std::array kLogKeys{
    Key{"format", [](const Value& v, Settings& s) { s.log.format = v.one_of(kLogFormats); }},
    Key{"level", [](const Value& v, Settings& s) { s.log.level = v.one_of(kLogLevels); }},
};

constexpr std::array<std::pair<std::string_view, Confine>, 3> kConfine{
    {{"auto", Confine::automatic}, {"off", Confine::off}, {"required", Confine::required}}};

constexpr std::array kProcessKeys{
    Key{"user", [](const Value& v, Settings& s) { s.process.user = v.text(why_not_user); }},
    Key{"confine", [](const Value& v, Settings& s) { s.process.confine = v.one_of(kConfine); }},
};

constexpr std::array kMetricsKeys{
    Key{"listen", [](const Value& v, Settings& s) { s.metrics.listen = v.text(why_not_local_listener); }},
    Key{"reasons", [](const Value& v, Settings& s) { s.metrics.reasons = v.boolean(); }},
};

constexpr std::array<std::pair<std::string_view, web::Require>, 3> kRequire{
    {{"login", web::Require::login}, {"nothing", web::Require::nothing}, {"refuse", web::Require::refuse}}};

std::vector<auth::UserName> accounts(const Value& value)
{
    std::vector<auth::UserName> all;
    for (const auto& text : value.texts(why_not_account)) all.push_back(*auth::UserName::parse(text));
    return all;
}

/// Of the rule that is being read, which is the last.
constexpr std::array kRuleKeys{
    Key{"host", [](const Value& v, Settings& s) { s.web.rules.back().host = v.text(why_not_rule_host); }},
    Key{"path", [](const Value& v, Settings& s) { s.web.rules.back().path = v.text(why_not_rule_path); }},
    Key{"users", [](const Value& v, Settings& s) { s.web.rules.back().users = accounts(v); }},
    Key{"require", [](const Value& v, Settings& s) { s.web.rules.back().require = v.one_of(kRequire); }},
};

void read_rules(const Value& value, Settings& settings);

std::vector<web::Origin> origins(const Value& value)
{
    std::vector<web::Origin> all;
    for (const auto& text : value.texts(why_not_origin)) all.push_back(*web::Origin::parse(text));
    return all;
}

constexpr std::array kWebKeys{
    Key{"name", [](const Value& v, Settings& s) { s.web.name = v.text(why_not_issuer); }},
    Key{"logo", [](const Value& v, Settings& s) { s.web.logo = v.text(why_not_picture); }},
    Key{"accent",
        [](const Value& v, Settings& s) { s.web.accent = auth::fold_case(v.text(why_not_colour)); }},
    Key{"open_registration", [](const Value& v, Settings& s) { s.web.open_registration = v.boolean(); }},
    Key{"back_to", [](const Value& v, Settings& s) { s.web.back_to = origins(v); }},
    Key{"proxies", [](const Value& v, Settings& s) { s.web.proxies = v.texts(why_not_proxy); }},
    Key{"rule", read_rules},
};

struct Section {
    std::string_view name;  // empty: what stands before the first section
    std::span<const Key> keys;
};

constexpr std::array kSections{
    Section{"", kTopKeys},
    Section{"listen", kListenKeys},
    Section{"tls", kTlsKeys},
    Section{"limits", kLimitKeys},
    Section{"deadlines", kDeadlineKeys},
    Section{"threads", kThreadKeys},
    Section{"password", kPasswordKeys},
    Section{"totp", kTotpKeys},
    Section{"waits", kWaitKeys},
    Section{"session", kSessionKeys},
    Section{"alarms", kAlarmKeys},
    Section{"log", kLogKeys},
    Section{"process", kProcessKeys},
    Section{"metrics", kMetricsKeys},
    Section{"web", kWebKeys},
};
constexpr Section kRule{"web.rule", kRuleKeys};
constexpr const Section& kTop = kSections.front();

std::string full_name(const Section& section, std::string_view key)
{
    return section.name.empty() ? std::string(key) : fmt::format("{}.{}", section.name, key);
}

const Key* find_key(const Section& section, std::string_view name)
{
    const auto found = std::ranges::find(section.keys, name, &Key::name);
    return found == section.keys.end() ? nullptr : &*found;
}

const Section* find_section(std::string_view name)
{
    const auto found = std::ranges::find(kSections, name, &Section::name);
    return found == kSections.end() || name.empty() ? nullptr : &*found;
}

std::vector<std::string_view> names_in(const Section& section)
{
    std::vector<std::string_view> names;
    for (const auto& key : section.keys) names.push_back(key.name);
    if (&section == &kTop) {
        for (const auto& other : kSections | std::views::drop(1)) names.push_back(other.name);
    }
    return names;
}

/// What whoever wrote the unknown key `name` may have meant.
std::string remedy_for_unknown(const Section& section, std::string_view name)
{
    constexpr std::size_t near = 2;
    const auto names = names_in(section);
    const auto distance = [&](std::string_view known) { return edit_distance(name, known); };
    const auto nearest = std::ranges::min_element(names, {}, distance);
    if (name.size() < 64 && distance(*nearest) <= near) return fmt::format("did you mean {}?", *nearest);
    for (const auto& other : kSections) {
        if (find_key(other, name) == nullptr) continue;
        return &other == &kTop ? "move it to the top, before the first [section]"
                               : fmt::format("move it under [{}]", other.name);
    }
    return fmt::format("leave it out; known here: {}", fmt::join(names, ", "));
}

void read_section(const Section& section, const toml::table& table, std::string_view origin,
                  Settings& settings)
{
    for (const auto& [name, node] : table) {
        const Place place{origin, name.source().begin};
        if (const auto* const key = find_key(section, name)) {
            key->read(Value(node, full_name(section, name), origin), settings);
        } else if (const auto* const inner = &section == &kTop ? find_section(name) : nullptr) {
            if (!node.is_table()) refuse(place, fmt::format("{0} is a section: write [{0}]", inner->name));
            read_section(*inner, *node.as_table(), origin, settings);
        } else {
            refuse(place, fmt::format("{} is not a setting: {}", full_name(section, name.str()),
                                      remedy_for_unknown(section, name.str())));
        }
    }
}

void check_rule(const web::Rule& rule, const Place& place)
{
    if (rule.host.empty())
        refuse(place, "web.rule has no host: give it one, such as host = \"app.example.com\"");
    if (!rule.users.empty() && rule.require != web::Require::login) {
        refuse(place, "web.rule names users, and does not ask for a login: leave out users or require");
    }
}

void read_rules(const Value& value, Settings& settings)
{
    value.each_table(kMostRules, [&](const toml::table& table) {
        settings.web.rules.emplace_back();
        read_section(kRule, table, value.origin(), settings);
        check_rule(settings.web.rules.back(), {value.origin(), table.source().begin});
    });
}

// ---- what concerns more than one key ----

/// The place of the first of `keys` that is there.  REQUIRES: one of them is.
Place place_of(const toml::table& root, std::string_view origin, std::initializer_list<std::string_view> keys)
{
    Place place{origin, {}};
    for (const auto key : keys | std::views::reverse) {
        if (const auto* const node = root.at_path(key).node()) place.position = node->source().begin;
    }
    return place;
}

void check_together(const toml::table& root, std::string_view origin, const Settings& settings)
{
    if (settings.tls.certificate.has_value() != settings.tls.key.has_value()) {
        refuse(place_of(root, origin, {"tls.certificate", "tls.key"}),
               "tls.certificate and tls.key go together: give both, or neither");
    }
    if (!listens_somewhere(settings.listen)) {
        refuse(place_of(root, origin, {"listen.tls", "listen.plain"}),
               "there is nothing to listen on: give listen.tls an address, or leave it out");
    }
    const auto& alarm = settings.alarms.command;
    if (!alarm.empty() && !alarm.front().starts_with('/')) {
        refuse(
            place_of(root, origin, {"alarms.command"}),
            "alarms.command is to begin with a program's absolute path: [\"/usr/local/bin/page\", \"-v\"]");
    }
    const auto& waits = settings.policy.waits;
    if (waits.first_wait > waits.longest_wait) {
        refuse(place_of(root, origin, {"waits.first", "waits.longest"}),
               fmt::format("waits.first ({} s) is longer than waits.longest ({} s): set both",
                           waits.first_wait.count(), waits.longest_wait.count()));
    }
    const auto& sessions = settings.policy.sessions;
    if (sessions.idle > sessions.absolute) {
        refuse(place_of(root, origin, {"session.idle", "session.absolute"}),
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
        refuse({origin, {1, 1}},
               fmt::format("the file is larger than {} octets: is it the right one?", kLargestSettingsFile));
    }
    // The parser's behaviour is undefined for some of these (toml++ 3.3, is_non_ascii_horizontal_whitespace).
    if (const auto offset = unquoted_non_ascii(text)) {
        const auto before = text.substr(0, *offset);
        const auto line = std::ranges::count(before, '\n') + 1;
        const auto column =
            *offset - (before.rfind('\n') + 1) + 1;  // octets; from 0 when there is no newline
        refuse({origin, {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(column)}},
               "only letters of English may stand outside quotes: put quotes around the value");
    }
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& error) {
        refuse({origin, error.source().begin}, error.description());
    } catch (const TomlParserFault&) {
        refuse({origin, {1, 1}}, "this is not TOML: compare it with the example of securelogind.toml(5)");
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
    read_section(kTop, root, origin, settings);
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
