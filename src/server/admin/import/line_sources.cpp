// The kinds of which a line is a user: htpasswd, shadow, JSON lines.
#include <algorithm>
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "server/admin/import/row_sources.hpp"

namespace securelogin::admin {
namespace {

constexpr std::size_t kShadowFields = 9;

ImportRow faulty(std::string why)
{
    ImportRow row;
    row.fault = std::move(why);
    return row;
}

bool is_blank_or_comment(std::string_view line) noexcept
{
    const auto start = line.find_first_not_of(" \t");
    return start == std::string_view::npos || line[start] == '#';
}

constexpr std::string_view kNotTaken = "it has a member that neither JSON lines nor an export have";

/// Why not; nothing when `row` has it.
using Take = std::optional<std::string> (*)(const boost::json::value& value, ImportRow& row);

template <std::string ImportRow::* Text>
std::optional<std::string> take_text(const boost::json::value& value, ImportRow& row)
{
    if (!value.is_string()) return "is not a string";
    (row.*Text).assign(value.get_string().data(), value.get_string().size());
    return std::nullopt;
}

template <auto Number>
std::optional<std::string> take_number(const boost::json::value& value, ImportRow& row)
{
    using Target = std::remove_reference_t<decltype(row.*Number)>;
    const auto* const number = value.if_int64();
    if (number == nullptr || !std::in_range<Target>(*number) || *number < 0)
        return "is not a number of that kind";
    row.*Number = static_cast<Target>(*number);
    return std::nullopt;
}

std::optional<std::string> take_state(const boost::json::value& value, ImportRow& row)
{
    if (value == "disabled") row.left_out = "it is disabled";
    return value == "disabled" || value == "active"
               ? std::nullopt
               : std::optional<std::string>("is neither active nor disabled");
}

std::optional<std::string> take_must_change(const boost::json::value& value, ImportRow& row)
{
    if (!value.is_bool()) return "is neither true nor false";
    row.must_change_password = value.get_bool();
    return std::nullopt;
}

/// Of what the account was elsewhere: here it begins with the import.
std::optional<std::string> pass_over(const boost::json::value& /*value*/, ImportRow& /*row*/)
{
    return std::nullopt;
}

struct Member {
    std::string_view key;
    Take take;
};

/// Those of `export`.
constexpr std::array kMembers{Member{"name", take_text<&ImportRow::name>},
                              Member{"password_hash", take_text<&ImportRow::password_hash>},
                              Member{"otpauth_uri", take_text<&ImportRow::otpauth_uri>},
                              Member{"state", take_state},
                              Member{"must_change_password", take_must_change},
                              Member{"totp_last_step", take_number<&ImportRow::totp_last_step>},
                              Member{"totp_failures", take_number<&ImportRow::totp_failures>},
                              Member{"created_at", pass_over},
                              Member{"password_set_at", pass_over},
                              Member{"totp_enrolled_at", pass_over}};

/// A name and what is known of its user, out of an object's members.
ImportRow row_of(const boost::json::object& object)
{
    ImportRow row;
    for (const auto& [key, value] : object) {
        const auto* const member = std::ranges::find(kMembers, std::string_view(key), &Member::key);
        if (member == kMembers.end()) return faulty(std::string(kNotTaken));
        if (value.is_null()) continue;
        if (const auto why = member->take(value, row)) return faulty(std::string(member->key) + ' ' + *why);
    }
    return row;
}

class LineSource final : public RowSource {
  public:
    using Parse = std::optional<ImportRow> (*)(std::string_view);
    LineSource(TextInput input, Parse parse) : input_(std::move(input)), parse_(parse) {}
    ~LineSource() override { wipe(line_); }
    LineSource(const LineSource&) = delete;
    LineSource& operator=(const LineSource&) = delete;

    void read(const Visit& visit) override
    {
        using Line = TextInput::Line;
        line_.reserve(kLongestRow);
        for (std::uint64_t number = 1;; ++number) {
            const auto got = input_.next_line(line_);
            if (got == Line::none) return;
            auto row = got == Line::too_long ? faulty("it is too long") : parse_(without_mark(number));
            if (!row) continue;
            row->number = number;
            row->position = input_.position();
            visit(*std::move(row));
        }
    }
    [[nodiscard]] std::uint64_t size() const noexcept override { return input_.size(); }

  private:
    [[nodiscard]] std::string_view without_mark(std::uint64_t number) const noexcept
    {
        const std::string_view line(line_);
        return number == 1 && line.starts_with(kByteOrderMark) ? line.substr(kByteOrderMark.size()) : line;
    }

    TextInput input_;
    const Parse parse_;
    std::string line_ = {};
};

}  // namespace

std::optional<ImportRow> parse_htpasswd_line(std::string_view line)
{
    if (is_blank_or_comment(line)) return std::nullopt;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return faulty("there is no colon in it");
    ImportRow row;
    row.name = line.substr(0, colon);
    row.password_hash = line.substr(colon + 1);
    if (row.password_hash.find(':') != std::string::npos) return faulty("it has more than two fields");
    if (row.password_hash.empty()) row.fault = "it has no hash";
    return row;
}

namespace {

/// By the last field but one of a line of shadow(5): days since 1970, UTC; empty: never.  What is no number
/// is taken for a day that has passed.
bool has_expired(std::string_view line)
{
    line.remove_suffix(line.size() - line.rfind(':'));
    const auto day = line.substr(line.rfind(':') + 1);
    if (day.empty()) return false;
    std::int64_t expires = 0;
    const auto [end, error] = std::from_chars(day.data(), day.data() + day.size(), expires);
    if (error != std::errc{} || end != day.data() + day.size()) return true;
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
    return expires >= 0 && std::chrono::sys_days(std::chrono::days(expires)) <= today;
}

}  // namespace

std::optional<ImportRow> parse_shadow_line(std::string_view line)
{
    if (is_blank_or_comment(line)) return std::nullopt;
    if (std::ranges::count(line, ':') + 1 != kShadowFields) return faulty("it does not have nine fields");
    ImportRow row;
    row.name = line.substr(0, line.find(':'));
    line.remove_prefix(row.name.size() + 1);
    row.password_hash = line.substr(0, line.find(':'));
    const std::string_view hash(row.password_hash);
    if (has_expired(line)) row.left_out = "it has expired";
    if (hash.empty()) row.left_out = "it has no password";
    if (hash.starts_with('!') || hash.starts_with('*')) row.left_out = "it is locked";
    return row;
}

std::optional<ImportRow> parse_json_line(std::string_view line)
{
    if (line.find_first_not_of(" \t") == std::string_view::npos) return std::nullopt;
    std::array<unsigned char, 4096> memory{};
    boost::json::monotonic_resource resource(memory.data(), memory.size());
    boost::system::error_code error;
    auto row = [&] {
        const auto value = boost::json::parse({line.data(), line.size()}, error, &resource);
        if (error) return faulty("it is not JSON");
        return value.is_object() ? row_of(value.get_object()) : faulty("it is not a JSON object");
    }();
    wipe({reinterpret_cast<char*>(memory.data()), memory.size()});
    if (!row.fault && row.name.empty()) row.fault = "it has no name";
    return row;
}

std::unique_ptr<RowSource> make_htpasswd_source(TextInput input)
{
    return std::make_unique<LineSource>(std::move(input), parse_htpasswd_line);
}

std::unique_ptr<RowSource> make_shadow_source(TextInput input)
{
    return std::make_unique<LineSource>(std::move(input), parse_shadow_line);
}

std::unique_ptr<RowSource> make_json_lines_source(TextInput input)
{
    return std::make_unique<LineSource>(std::move(input), parse_json_line);
}

}  // namespace securelogin::admin
