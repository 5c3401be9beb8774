#include "server/setting_rules.hpp"

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "server/auth/user_name.hpp"
#include "server/setting_section.hpp"
#include "server/setting_text.hpp"

namespace securelogin {
namespace {

using Key = SettingKey;
using Value = SettingValue;

constexpr std::size_t kMostRules = 256;

constexpr std::array<std::pair<std::string_view, web::Require>, 3> kRequire{
    {{"login", web::Require::login}, {"nothing", web::Require::nothing}, {"refuse", web::Require::refuse}}};

std::vector<auth::UserName> accounts(const SettingValue& value)
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

constexpr SettingSection kRule{"web.rule", kRuleKeys};

void check_rule(const web::Rule& rule, const SettingPlace& place)
{
    if (rule.host.empty())
        refuse_setting(place, "web.rule has no host: give it one, such as host = \"app.example.com\"");
    if (!rule.users.empty() && rule.require != web::Require::login) {
        refuse_setting(place,
                       "web.rule names users, and does not ask for a login: leave out users or require");
    }
}

}  // namespace

void read_rules(const SettingValue& value, Settings& settings)
{
    value.each_table(kMostRules, [&](const toml::table& table) {
        settings.web.rules.emplace_back();
        read_section(kRule, table, value.origin(), settings);
        check_rule(settings.web.rules.back(), {value.origin(), table.source().begin});
    });
}

}  // namespace securelogin
