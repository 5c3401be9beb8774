#include "server/admin/import/import_kind.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/import/row_sources.hpp"
#include "server/admin/import/text_input.hpp"

namespace securelogin::admin {
namespace {

constexpr std::array<std::pair<ImportKind, std::string_view>, 7> kKinds{{{ImportKind::socket, "socket"},
                                                                         {ImportKind::flask, "flask"},
                                                                         {ImportKind::htpasswd, "htpasswd"},
                                                                         {ImportKind::shadow, "shadow"},
                                                                         {ImportKind::authelia, "authelia"},
                                                                         {ImportKind::csv, "csv"},
                                                                         {ImportKind::jsonl, "jsonl"}}};
constexpr std::string_view kSqlite{"SQLite format 3\0", 16};
constexpr auto kShadowColons = 8;

[[noreturn]] void refuse_file(const std::filesystem::path& file, const std::string& why)
{
    throw Failure(ExitCode::refused, "importing " + printable(file.string()) + ": " + why);
}

/// The first line that is neither blank nor a comment, and cuts up to it off `text`.
std::string_view first_line(std::string_view text)
{
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto start = line.find_first_not_of(" \t");
        if (start != std::string_view::npos && line[start] != '#') return line;
    }
    return {};
}

bool is_old_hash_of_htpasswd(std::string_view text) noexcept
{
    constexpr std::size_t des = 13;
    return text.starts_with('$') || text.starts_with("{") || text.size() == des;
}

bool is_sqlite_kind(ImportKind kind) noexcept
{
    return kind == ImportKind::socket || kind == ImportKind::flask;
}

store::ForeignKind table_of(ImportKind kind) noexcept
{
    return kind == ImportKind::socket ? store::ForeignKind::socket : store::ForeignKind::flask;
}

OpenedImport open_database(const std::filesystem::path& file, std::optional<ImportKind> kind)
{
    store::ForeignUsers users(file);
    const auto found = users.kinds();
    const auto has = [&](ImportKind wanted) { return std::ranges::count(found, table_of(wanted)) == 1; };
    if (!kind) {
        if (found.size() > 1)
            refuse_file(
                file, "it has tables of both socket and flask: say which with --from socket or --from flask");
        if (found.empty()) {
            refuse_file(
                file,
                "it is a database with neither a table userdata (username, password) nor a table user "
                "(username, otp_secret): export its users as CSV");
        }
        kind = has(ImportKind::socket) ? ImportKind::socket : ImportKind::flask;
    }
    if (!has(*kind)) {
        refuse_file(file, *kind == ImportKind::socket ? "it has no table userdata with username and password"
                                                      : "it has no table user with username and otp_secret");
    }
    return {.kind = *kind, .rows = make_database_source(std::move(users), table_of(*kind))};
}

std::unique_ptr<RowSource> make_source(ImportKind kind, TextInput input)
{
    switch (kind) {
        case ImportKind::htpasswd:
            return make_htpasswd_source(std::move(input));
        case ImportKind::shadow:
            return make_shadow_source(std::move(input));
        case ImportKind::authelia:
            return make_authelia_source(std::move(input));
        case ImportKind::csv:
            return make_csv_source(std::move(input));
        default:
            return make_json_lines_source(std::move(input));
    }
}

}  // namespace

std::string_view to_string(ImportKind kind) noexcept
{
    for (const auto& [known, name] : kKinds) {
        if (known == kind) return name;
    }
    return "unknown";
}

std::optional<ImportKind> parse_import_kind(std::string_view text) noexcept
{
    for (const auto& [kind, name] : kKinds) {
        if (name == text) return kind;
    }
    return std::nullopt;
}

std::string import_kinds()
{
    std::string all;
    for (const auto& [kind, name] : kKinds) all.append(all.empty() ? "" : ", ").append(name);
    return all;
}

bool is_sqlite(std::string_view beginning) noexcept { return beginning.starts_with(kSqlite); }

std::optional<ImportKind> recognise_text(std::string_view beginning)
{
    if (beginning.starts_with(kByteOrderMark)) beginning.remove_prefix(kByteOrderMark.size());
    const auto line = first_line(beginning);
    if (line.starts_with('{')) return ImportKind::jsonl;
    if (line == "---" || line == "users:" || line.starts_with("users: ")) return ImportKind::authelia;
    const auto colons = std::ranges::count(line, ':');
    if (colons == kShadowColons) return ImportKind::shadow;
    if (colons == 1 && is_old_hash_of_htpasswd(line.substr(line.find(':') + 1))) return ImportKind::htpasswd;
    if (colons == 0 && is_csv_header(line)) return ImportKind::csv;
    return std::nullopt;
}

OpenedImport open_import(const std::filesystem::path& file, std::optional<ImportKind> kind)
{
    auto input = TextInput::open(file);
    const auto beginning = input.look_ahead();
    const bool sqlite = is_sqlite(beginning);
    if (kind && sqlite != is_sqlite_kind(*kind)) {
        refuse_file(file, sqlite ? "it is a database: say --from socket or --from flask, or nothing"
                                 : "it is not a database: say another kind with --from, or nothing");
    }
    if (sqlite) return open_database(file, kind);
    if (!kind) kind = recognise_text(beginning);
    if (!kind) refuse_file(file, "it is not clear what it is: say it with --from: " + import_kinds());
    return {.kind = *kind, .rows = make_source(*kind, std::move(input))};
}

}  // namespace securelogin::admin
