#include "server/admin/option_readers.hpp"

#include <CLI/CLI.hpp>
#include <chrono>

#include "server/auth/audit_chain.hpp"
#include "server/auth/invitation.hpp"

namespace securelogin::admin {
namespace {

constexpr int kShortestPeriod = 10;  // seconds
constexpr int kLongestPeriod = 300;

}  // namespace

void take_name(CLI::App& command, std::string& name)
{
    command.add_option("NAME", name, "User name: a-z, 0-9, '.', '_', '-'; 64 at most; case does not matter")
        ->required();
}

void take_password(CLI::App& command, PasswordFrom& password)
{
    auto* const from_stdin = command.add_flag_callback(
        "--password-stdin", [&password] { password = PasswordFrom::standard_input; },
        "Read the password from stdin: one line, without its LF or CRLF");
    command
        .add_flag_callback(
            "--generate-password", [&password] { password = PasswordFrom::generator; },
            "Make up a password and print it, once")
        ->excludes(from_stdin);
}

void take_must_change(CLI::App& command, bool& must_change)
{
    command.add_flag("--must-change", must_change,
                     "The user has to set another at the next login, and can do nothing else before");
}

void take_qr(CLI::App& command, QrOptions& qr)
{
    command
        .add_option_function<std::string>(
            "--qr", [&qr](const std::string& file) { qr.file = file; },
            "Also write the QR code as a PNG, mode 0600; never over an existing file nor through a symlink")
        ->type_name("FILE.png");
    command.add_flag_callback(
        "--no-terminal-qr", [&qr] { qr.terminal = false; }, "Do not draw the QR code in the terminal");
}

void take_expiry(CLI::App& command, std::chrono::seconds& lasts)
{
    command
        .add_option_function<std::string>(
            "--expires",
            [&lasts](const std::string& text) {
                const auto parsed = parse_duration(text);
                if (!parsed || *parsed < std::chrono::seconds(1) || *parsed > auth::kLongestInvitation) {
                    throw CLI::ValidationError("--expires", text + ": give 90s, 30m, 24h or 7d, 30d at most");
                }
                lasts = *parsed;
            },
            "How long the invitation stands: 90s, 30m, 24h (default), 7d; 30d at most")
        ->type_name("TIME");
}

void take_device(CLI::App& command, UserForgetDevice& forget)
{
    auto* const all = command.add_flag("--all", forget.all, "All of the user's devices");
    command
        .add_option_function<std::string>(
            "FINGERPRINT", [&forget](const std::string& typed) { forget.fingerprint = typed; },
            "The device, as user show lists it; its first 8 characters do")
        ->excludes(all);
}

void take_file(CLI::App& command, std::filesystem::path& file, const char* description)
{
    command.add_option("FILE", file, description)->required();
}

CLI::Option* take_passphrase(CLI::App& command, std::optional<std::filesystem::path>& file)
{
    return command
        .add_option("--passphrase-file", file,
                    "Read the passphrase from there: one line (default: ask on the terminal)")
        ->type_name("FILE");
}

void take_totp(CLI::App& command, auth::TotpParameters& totp)
{
    command
        .add_option_function<std::string>(
            "--algorithm",
            [&totp](const std::string& name) {
                const auto algorithm = auth::parse_totp_algorithm(name);
                if (!algorithm)
                    throw CLI::ValidationError("--algorithm", name + ": not sha1, sha256 or sha512");
                totp.algorithm = *algorithm;
            },
            "sha1 (default), sha256 or sha512; many apps take every key for sha1")
        ->type_name("NAME");
    command.add_option("--digits", totp.digits, "Digits of a code: 6 (default) or 8")
        ->check(CLI::IsMember({6, 8}))
        ->type_name("N");
    command
        .add_option_function<int>(
            "--period", [&totp](int period) { totp.period = std::chrono::seconds(period); },
            "Seconds a code stands: 10 to 300 (default 30)")
        ->check(CLI::Range(kShortestPeriod, kLongestPeriod))
        ->type_name("SECONDS");
}

void take_audit_query(CLI::App& command, AuditShow& show)
{
    command.add_option("--user", show.user, "Only what is about this user, or attempts at the name")
        ->type_name("NAME");
    command
        .add_option_function<std::string>(
            "--since",
            [&show](const std::string& text) {
                show.since = parse_since(text);
                if (!show.since) {
                    throw CLI::ValidationError(
                        "--since",
                        text + ": give 2026-11-22T20:15:04Z, 2026-11-22, or 90s, 30m, 12h or 7d ago");
                }
            },
            "Only from then on: 2026-11-22T20:15:04Z, 2026-11-22, or 90s, 30m, 12h, 7d ago")
        ->type_name("TIME");
    command.add_option("--event", show.event, "Only these: login, user.add, alarm.wrong-code, ...")
        ->type_name("EVENT");
    command.add_option("--limit", show.limit, "The newest N (default 100); 0: all")
        ->check(CLI::NonNegativeNumber)
        ->type_name("N");
}

void take_checkpoint(CLI::App& command, std::optional<auth::AuditMark>& checkpoint)
{
    command
        .add_option_function<std::string>(
            "--checkpoint",
            [&checkpoint](const std::string& text) {
                checkpoint = auth::parse_audit_mark(text);
                if (!checkpoint)
                    throw CLI::ValidationError("--checkpoint", text + ": not ID:MAC as in the log");
            },
            "Also whether this record is in it: ID:MAC, as the log's audit_checkpoint has it")
        ->type_name("ID:MAC");
}

void take_import(CLI::App& command, Import& import)
{
    command
        .add_option("FILE", import.file, "A database, htpasswd, shadow, Authelia's users, CSV or JSON lines")
        ->required();
    command
        .add_option_function<std::string>(
            "--from",
            [&import](const std::string& text) {
                import.from = parse_import_kind(text);
                if (!import.from)
                    throw CLI::ValidationError("--from", text + ": not one of " + import_kinds());
            },
            "What the file is, where it is not recognised: " + import_kinds())
        ->type_name("KIND");
    command.add_flag("--apply", import.apply, "Import; without it, only say what would be done");
    command.add_flag("--skip-bad", import.skip_bad, "Import the rest where rows cannot be");
    command
        .add_option_function<std::string>(
            "--invitations", [&import](const std::string& file) { import.invitations = file; },
            "Invite those who have no key for one-time codes, and write their invitations there, mode 0600: "
            "name,invitation")
        ->type_name("FILE.csv");
    command
        .add_option_function<std::string>(
            "--expires",
            [&import](const std::string& text) {
                const auto lasts = parse_duration(text);
                if (!lasts || *lasts < std::chrono::seconds(1) || *lasts > auth::kLongestInvitation)
                    throw CLI::ValidationError("--expires", text + ": give 90s, 30m, 12h or 7d, at most 30d");
                import.invitations_last = *lasts;
            },
            "How long the invitations stand (default 7d)")
        ->type_name("TIME");
}

}  // namespace securelogin::admin
