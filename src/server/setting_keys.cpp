// The keys of the settings' file; securelogind.toml(5) describes each.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "server/auth/phc.hpp"
#include "server/auth/user_name.hpp"
#include "server/setting_rules.hpp"
#include "server/setting_section.hpp"
#include "server/setting_text.hpp"

namespace securelogin {
namespace {

using Key = SettingKey;
using Value = SettingValue;

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

std::vector<web::Origin> origins(const SettingValue& value)
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

constexpr std::array kSections{
    SettingSection{"", kTopKeys},
    SettingSection{"listen", kListenKeys},
    SettingSection{"tls", kTlsKeys},
    SettingSection{"limits", kLimitKeys},
    SettingSection{"deadlines", kDeadlineKeys},
    SettingSection{"threads", kThreadKeys},
    SettingSection{"password", kPasswordKeys},
    SettingSection{"totp", kTotpKeys},
    SettingSection{"waits", kWaitKeys},
    SettingSection{"session", kSessionKeys},
    SettingSection{"alarms", kAlarmKeys},
    SettingSection{"log", kLogKeys},
    SettingSection{"process", kProcessKeys},
    SettingSection{"metrics", kMetricsKeys},
    SettingSection{"web", kWebKeys},
};

}  // namespace

std::span<const SettingSection> setting_sections() noexcept { return kSections; }

}  // namespace securelogin
