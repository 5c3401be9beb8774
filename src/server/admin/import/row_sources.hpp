// row_sources.hpp: the kinds of files, each a RowSource.
//
//   htpasswd   NAME:HASH a line; `#` starts a comment (Apache httpd 2.4, htpasswd)
//   shadow     nine fields a line (shadow(5)); locked and expired accounts are left out
//   authelia   YAML: users: NAME: {password: HASH, disabled: false, ...}; disabled ones are left out
//   csv        a header line with `name`, and `password_hash`, `otpauth_uri`, in any order (RFC 4180)
//   jsonl      an object a line with the same members
//   databases  store/foreign_users.hpp
#pragma once

#include <memory>
#include <string_view>

#include "server/admin/import/import_row.hpp"
#include "server/admin/import/text_input.hpp"
#include "server/store/foreign_users.hpp"

namespace securelogin::admin {

/// One line of each, without its end.  Nothing for a comment or a blank line.  Pure; for tests and fuzzing.
[[nodiscard]] std::optional<ImportRow> parse_htpasswd_line(std::string_view line);
[[nodiscard]] std::optional<ImportRow> parse_shadow_line(std::string_view line);
[[nodiscard]] std::optional<ImportRow> parse_json_line(std::string_view line);

[[nodiscard]] bool is_csv_header(std::string_view line);

[[nodiscard]] std::unique_ptr<RowSource> make_htpasswd_source(TextInput input);
[[nodiscard]] std::unique_ptr<RowSource> make_shadow_source(TextInput input);
[[nodiscard]] std::unique_ptr<RowSource> make_json_lines_source(TextInput input);
[[nodiscard]] std::unique_ptr<RowSource> make_csv_source(TextInput input);
[[nodiscard]] std::unique_ptr<RowSource> make_authelia_source(TextInput input);
[[nodiscard]] std::unique_ptr<RowSource> make_database_source(store::ForeignUsers users,
                                                              store::ForeignKind kind);

}  // namespace securelogin::admin
