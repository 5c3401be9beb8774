#include "server/web/rules.hpp"

#include <algorithm>

#include "server/web/origin.hpp"

namespace securelogin::web {
namespace {

constexpr std::string_view kAnyBelow = "*.";

bool fits_host(std::string_view pattern, std::string_view host)
{
    if (!pattern.starts_with(kAnyBelow)) return host == pattern;
    const auto suffix = pattern.substr(1);  // with its dot
    return host.size() > suffix.size() && host.ends_with(suffix);
}

bool fits_path(std::string_view prefix, std::string_view path)
{
    if (prefix.ends_with('/')) prefix.remove_suffix(1);
    if (!path.starts_with(prefix)) return false;
    return path.size() == prefix.size() || path[prefix.size()] == '/';
}

/// The first that fits; nullptr: none.
const Rule* first_rule(std::span<const Rule> rules, std::string_view host, std::string_view path)
{
    const auto rule = std::ranges::find_if(rules, [&](const Rule& each) { return fits(each, host, path); });
    return rule == rules.end() ? nullptr : &*rule;
}

}  // namespace

bool is_host_pattern(std::string_view text)
{
    const bool below = text.starts_with(kAnyBelow);
    const auto name = below ? text.substr(kAnyBelow.size()) : text;
    return canonical_host(name) == name && !(below && name.starts_with('['));
}

bool is_path_prefix(std::string_view text)
{
    const auto path = read_path(text);
    return path && path->readings.size() == 1 && path->readings.front() == text;
}

bool fits(const Rule& rule, std::string_view host, std::string_view path)
{
    return fits_host(rule.host, host) && fits_path(rule.path, path);
}

bool Demand::admits(const auth::UserName& user) const
{
    return users.empty() || std::ranges::find(users, user) != users.end();
}

Demand demand_for(std::span<const Rule> rules, std::string_view host, const GuardedPath& path)
{
    if (rules.empty()) return {.require = Require::login};
    if (path.readings.empty()) return {};
    const auto* const rule = first_rule(rules, host, path.readings.front());
    const auto agrees = [&](const std::string& reading) { return first_rule(rules, host, reading) == rule; };
    if (!std::ranges::all_of(path.readings, agrees)) return {.doubtful = true};
    if (rule == nullptr) return {};
    return {.require = rule->require, .users = rule->users};
}

}  // namespace securelogin::web
