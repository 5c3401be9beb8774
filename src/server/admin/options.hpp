// options.hpp: the command line as values.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "server/admin/failure.hpp"
#include "server/admin/import/import_kind.hpp"
#include "server/admin/since.hpp"
#include "server/auth/audit.hpp"
#include "server/auth/invitation.hpp"
#include "server/auth/totp.hpp"

namespace securelogin::admin {

enum class PasswordFrom { terminal, standard_input, generator };

/// Where a new key's QR code goes.
struct QrOptions {
    std::optional<std::filesystem::path> file = {};
    bool terminal = true;  // where stdout is one
};

struct UserAdd {
    std::string name;
    PasswordFrom password = PasswordFrom::terminal;
    QrOptions qr = {};
    auth::TotpParameters totp = {};
    bool must_change = false;
    bool recovery_codes = false;
};
struct UserInvite {
    std::string name;
    std::chrono::seconds lasts = auth::kInvitationLasts;
};
struct UserList {};
struct UserShow {
    std::string name;
};
struct UserDisable {
    std::string name;
};
struct UserEnable {
    std::string name;
};
struct UserRemove {
    std::string name;
};
struct UserPasswd {
    std::string name;
    PasswordFrom password = PasswordFrom::terminal;
    bool must_change = false;
};
/// By invitation, but where a file for a new key's picture is named: then the key is made at once.
struct UserResetTotp {
    std::string name;
    QrOptions qr = {};
    std::chrono::seconds lasts = auth::kInvitationLasts;  // the invitation
};
struct UserForgetDevice {
    std::string name;
    std::optional<std::string> fingerprint = {};  // as typed
    bool all = false;
};
struct AuditShow {
    std::optional<std::string> user = {};
    std::optional<Since> since = {};
    std::optional<std::string> event = {};
    std::int64_t limit = 100;  // of the newest; nought: all
};
struct AuditVerify {
    std::optional<auth::AuditMark> checkpoint = {};
};
struct AuditExport {
    std::int64_t after = 0;  // the id of the last record that is not wanted any more
};
struct SessionList {
    std::optional<std::string> name = {};  // nobody's in particular: everybody's
};
struct SessionRevoke {
    std::string name;
    std::string which;  // an id, or `all`; as typed
};
struct SessionVerify {};
struct Import {
    std::filesystem::path file;
    std::optional<ImportKind> from = {};
    bool apply = false;
    bool skip_bad = false;
    std::optional<std::filesystem::path> invitations = {};
    std::chrono::seconds invitations_last = std::chrono::days(7);
};
struct Backup {
    std::filesystem::path file;
};
struct Restore {
    std::filesystem::path file;
    bool trust_clock = false;  // also where the audit knows of later moments
};
struct Export {
    std::optional<std::filesystem::path> file = {};  // else stdout
    bool plain = false;
    std::optional<std::filesystem::path> passphrase = {};
};
struct Unseal {
    std::filesystem::path file;
    std::optional<std::filesystem::path> to = {};  // else stdout
    std::optional<std::filesystem::path> passphrase = {};
};
struct Doctor {};
struct KeyRotate {};
struct KeyGenerate {};
struct PolicyExplain {};
struct Status {};

using Command = std::variant<Status, UserAdd, UserInvite, UserList, UserShow, UserDisable, UserEnable,
                             UserRemove, UserPasswd, UserResetTotp, UserForgetDevice, AuditShow, AuditVerify,
                             AuditExport, PolicyExplain, KeyRotate, KeyGenerate, SessionList, SessionRevoke,
                             SessionVerify, Import, Backup, Restore, Export, Unseal, Doctor>;

struct Options {
    std::optional<std::filesystem::path> config = {};
    std::optional<std::filesystem::path> data = {};
    bool json = false;
    Command command = {};
};

/// What to do; or, where --help or --version was asked for or the command line is wrong, what is left to be
/// done: to exit so (the text has been written to stdout or stderr).
[[nodiscard]] std::variant<Options, ExitCode> parse_command_line(int argc, const char* const* argv);

}  // namespace securelogin::admin
