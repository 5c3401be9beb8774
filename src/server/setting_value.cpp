#include "server/setting_value.hpp"

#include "common/text.hpp"
#include "server/startup_error.hpp"

namespace securelogin {
namespace {

constexpr std::size_t kMostTexts = 64;  // listeners of a kind, words of a command

}  // namespace

void refuse_setting(const SettingPlace& place, std::string_view why)
{
    throw StartupError(printable(
        fmt::format("{}:{}:{}: {}", place.origin, place.position.line, place.position.column, why)));
}

std::int64_t SettingValue::integer_between(std::int64_t lowest, std::int64_t highest) const
{
    const auto wanted = fmt::format("give an integer from {} to {}", lowest, highest);
    const auto* const value = node_.as_integer();
    if (value == nullptr) refuse_type(wanted);
    if (value->get() < lowest || value->get() > highest) {
        refuse_value(fmt::format("{} = {} is out of range: {}", key_, value->get(), wanted));
    }
    return value->get();
}

std::string SettingValue::text(Complaint (*complaint)(const std::string&)) const
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

std::vector<std::string> SettingValue::texts(Complaint (*complaint)(const std::string&)) const
{
    const auto* const array = node_.as_array();
    if (array == nullptr) refuse_type("give a list of strings: [\"...\", \"...\"]");
    if (array->size() > kMostTexts) {
        refuse_value(fmt::format("{} has {} entries: give {} at most", key_, array->size(), kMostTexts));
    }
    std::vector<std::string> all;
    for (const auto& entry : *array) all.push_back(SettingValue(entry, key_, origin_).text(complaint));
    return all;
}

bool SettingValue::boolean() const
{
    const auto* const value = node_.as_boolean();
    if (value == nullptr) refuse_type("give true or false");
    return value->get();
}

void SettingValue::each_table(std::size_t most, const std::function<void(const toml::table&)>& read) const
{
    const auto* const array = node_.as_array();
    if (array == nullptr) refuse_type(fmt::format("write [[{}]]", key_));
    if (array->size() > most) {
        refuse_value(fmt::format("{} is there {} times: {} at most", key_, array->size(), most));
    }
    for (const auto& entry : *array) {
        const SettingValue value(entry, key_, origin_);
        if (!entry.is_table()) value.refuse_type(fmt::format("write [[{}]]", key_));
        read(*entry.as_table());
    }
}

void SettingValue::refuse_value(std::string_view why) const
{
    refuse_setting({origin_, node_.source().begin}, why);
}

void SettingValue::refuse_type(std::string_view wanted) const
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

}  // namespace securelogin
