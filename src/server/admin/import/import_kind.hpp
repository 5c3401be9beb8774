// import_kind.hpp: whose users a file holds: said by --from, or seen in what it begins with.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/admin/import/import_row.hpp"

namespace securelogin::admin {

enum class ImportKind { socket, flask, htpasswd, shadow, authelia, csv, jsonl };

[[nodiscard]] std::string_view to_string(ImportKind kind) noexcept;
[[nodiscard]] std::optional<ImportKind> parse_import_kind(std::string_view text) noexcept;
/// `socket, flask, ...`, for messages.
[[nodiscard]] std::string import_kinds();

/// What a text that begins like this is; nothing where it looks like none of them.  Pure.
[[nodiscard]] std::optional<ImportKind> recognise_text(std::string_view beginning);
/// SQLite's file format.
[[nodiscard]] bool is_sqlite(std::string_view beginning) noexcept;

struct OpenedImport {
    ImportKind kind;
    std::unique_ptr<RowSource> rows;
};

/// Opens `file`, with the rights that the process has now.  Throws Failure: it cannot be read, or not told
/// what it is, or it is not what `kind` says; auth::StoreError.
[[nodiscard]] OpenedImport open_import(const std::filesystem::path& file, std::optional<ImportKind> kind);

}  // namespace securelogin::admin
