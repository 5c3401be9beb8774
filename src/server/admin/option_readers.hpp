// option_readers.hpp: options and operands that commands are given, each read into a value.
//
// Each function makes what it reads known to `command`.  The value is written when the command line is
// parsed, has to live until then, and keeps what it was where the option is not given.  What cannot be read
// ends the parsing with a CLI::ValidationError, which says what could have been given.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "server/admin/options.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace securelogin::admin {

/// NAME, which has to be given.
void take_name(CLI::App& command, std::string& name);
/// Where a password comes from: --password-stdin or --generate-password, not both.
void take_password(CLI::App& command, PasswordFrom& password);
/// --must-change
void take_must_change(CLI::App& command, bool& must_change);
/// --qr and --no-terminal-qr
void take_qr(CLI::App& command, QrOptions& qr);
/// --expires, of one invitation.
void take_expiry(CLI::App& command, std::chrono::seconds& lasts);
/// FINGERPRINT or --all, not both.
void take_device(CLI::App& command, UserForgetDevice& forget);
/// FILE, which has to be given.
void take_file(CLI::App& command, std::filesystem::path& file, const char* description);
/// --passphrase-file; the option, so that others may exclude it.
CLI::Option* take_passphrase(CLI::App& command, std::optional<std::filesystem::path>& file);
/// --algorithm, --digits and --period, of a new key.
void take_totp(CLI::App& command, auth::TotpParameters& totp);
/// --user, --since, --event and --limit
void take_audit_query(CLI::App& command, AuditShow& show);
/// --checkpoint
void take_checkpoint(CLI::App& command, std::optional<auth::AuditMark>& checkpoint);
/// FILE and all options of `import`.
void take_import(CLI::App& command, Import& import);

}  // namespace securelogin::admin
