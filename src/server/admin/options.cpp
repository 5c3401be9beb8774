#include "server/admin/options.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "common/text.hpp"
#include "server/auth/audit_chain.hpp"
#include "server/auth/invitation.hpp"

namespace securelogin::admin {
namespace {

constexpr const char* kDescription =
    R"(securelogin-admin - keep the accounts that securelogind lets in

Works on the data directory, with the daemon running or stopped; what it does
counts from the daemon's next login on.  `user add` makes the data directory
where there is none.
)";

constexpr const char* kFooter = R"(Commands (each has a --help of its own):
  user add NAME         add a user: asks for the password, shows the QR code and
                        the otpauth:// URI
       [--password-stdin | --generate-password] [--qr FILE.png] [--no-terminal-qr]
       [--algorithm sha1|sha256|sha512] [--digits 6|8] [--period SECONDS]
       [--must-change] [--recovery-codes]
  user invite NAME      print an invitation, with which the person enrols alone: chooses
                        a password, scans the QR code, is given recovery codes
       [--expires 24h]
  user list             all users, and who is invited
  user show NAME        one user: state, key, recovery codes left, last login, sessions,
                        wrong codes, devices
  user disable NAME     let in no more; sessions end
  user enable NAME      let in again
  user remove NAME      remove, with key and sessions; take an invitation back
  user passwd NAME      set a new password; sessions end, devices are forgotten
       [--password-stdin | --generate-password] [--must-change]
  user reset-totp NAME  the key, recovery codes and all sessions end, devices are forgotten;
                        prints an invitation to enrol anew; with --qr a new key is made
                        at once
       [--expires 24h | --qr FILE.png [--no-terminal-qr]]
  user forget-device NAME FINGERPRINT | --all
                        a device that is to be a stranger's again (sessions stay)
  session list [NAME]   sessions that stand, everybody's or one user's
  session revoke NAME ID | all
                        end one session of a user, or all; its token ends with it
  session verify        whose token is on stdin: one JSON line; 0 if it is valid, else 77
  audit show            what happened: the newest 100 records
       [--user NAME] [--since TIME] [--event EVENT] [--limit N]
  audit verify          whether the audit is as it was written; else names the
       [--checkpoint ID:MAC]  first record that was changed, dropped or cut off
  audit export          all records as JSON, one a line
       [--after ID]
  import FILE           users out of another program's file: first what would be done;
                        with --apply, all of them or none
       [--from KIND] [--apply] [--skip-bad] [--invitations FILE.csv] [--expires 7d]
  key rotate            a new master key; all secrets are sealed anew while logins go on
  key generate          print a master key, for a credential of systemd's
  backup FILE           a copy of the database, while logins go on; without the master key
  restore FILE          a backup in the place of the database; the daemon is stopped
       [--trust-clock]
  export [FILE]         all accounts as JSON lines, sealed under a passphrase
       [--passphrase-file FILE] [--plain]
  unseal FILE           what a sealed export holds
       [--to FILE] [--passphrase-file FILE]
  doctor                what is wrong here, and what to do about it
  policy explain        the rules for failed attempts, and what they leave to who guesses
  status                where things are, how many users, versions, certificate, clock

The data directory is --data, else the settings', else $STATE_DIRECTORY, else
/var/lib/securelogin for root, else $XDG_STATE_HOME/securelogin, else
~/.local/state/securelogin.  As root, the program becomes the directory's owner
before it touches anything in it.

Results go to stdout, everything else to stderr.  With --json, stdout is one JSON
value.  Options and operands may come in any order.  A password is asked for on
the terminal, or read from stdin with --password-stdin; never given as an option.
The QR code in the terminal is black on white; with NO_COLOR or TERM=dumb it has
no colours and is drawn for a dark background.

Examples:
  securelogin-admin user add alice
      asks for a password, shows the QR code to scan and the otpauth:// URI
  securelogin-admin user add bob --generate-password --qr bob.png
      makes up a password and prints it, once; the QR code also as a file
  printf '%s\n' "$PASSWORD" | securelogin-admin user add carol --password-stdin --json
      for scripts: {"username","otpauth_uri","qr_file"}
  securelogin-admin user invite dave --expires 3d
      prints the invitation and the command for dave to type; nobody else knows
      his password
  securelogin-admin user reset-totp alice
      a lost phone: the old key and all sessions end, and alice enrols anew
  securelogin-admin user list --json | jq -r '.[] | select(.state=="disabled") | .username'
  securelogin-admin audit show --user alice --since 2d
  securelogin-admin audit verify --checkpoint "$CHECKPOINT"
      with an ID:MAC from the log, kept elsewhere: shows a directory put back
  securelogin-admin import userdata.db
      what would become of another program's users; with --apply they are imported
  securelogin-admin key rotate
      after it, back up master.key anew; killed half way, it is run again
  securelogin-admin session revoke alice all
  printf '%s\n' "$TOKEN" | securelogin-admin session verify
  securelogin-admin backup /var/backups/securelogin-$(date +%F).db
  securelogin-admin status --data /srv/login

Exit codes:
  0   done
  1   the audit is not as it was written; doctor has found a problem
  64  wrong usage, or a name that can be nobody's
  65  password or passphrase refused; a file, or rows of it, that cannot be used
  67  no such user, device or session
  70  a fault in this program
  71  out of memory or another of the system's resources
  73  the user, the invitation or the file exists already, or the file cannot be made
  74  reading or writing failed (database, file, pipe)
  75  another program keeps the database locked, or the daemon runs: try again
  77  the token is not valid
  78  settings, data directory or master key missing or unsafe

See also: securelogind(8), securelogin(1), securelogind.toml(5)
)";

constexpr int kShortestPeriod = 10;  // seconds
constexpr int kLongestPeriod = 300;

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

/// The whole command line.  Each command fills values of its own, and is what is to be done once it has been
/// parsed.
class CommandLine {
  public:
    CommandLine() : app_(kDescription, "securelogin-admin")
    {
        app_.fallthrough();  // before any add_subcommand, which inherits it: --data and --json go anywhere
        app_.require_subcommand(1);
        app_.set_version_flag("--version", "securelogin-admin " SECURELOGIN_VERSION);
        app_.add_option("--data", options_.data, "The data directory")->type_name("DIR");
        app_.add_option("--config", options_.config,
                        "Settings (default /etc/securelogin/securelogind.toml if it is there)")
            ->type_name("FILE");
        app_.add_flag("--json", options_.json, "Results as JSON");
        add_user_commands();
        add_audit_commands();
        add_session_commands();
        take_import(add(app_, "import", "Users out of another program's file", import_), import_);
        auto& key = *app_.add_subcommand("key", "The master key");
        key.require_subcommand(1);
        add(key, "rotate", "Put a new master key in the place of the present one; logins go on", rotate_);
        add(key, "generate", "Print a new master key, for a credential of systemd's; changes nothing",
            generate_);
        add_moving_commands();
        add(app_, "doctor", "What is wrong here, and what to do about it", doctor_);
        auto& policy = *app_.add_subcommand("policy", "The rules for failed attempts");
        policy.require_subcommand(1);
        add(policy, "explain", "The rules in force, and what they leave to somebody who guesses", explain_);
        add(app_, "status", "Where things are, how many users, versions, certificate, clock", status_);
        for (auto* const command : app_.get_subcommands({}))
            command->group("");  // the footer lists them better
        app_.footer(kFooter);    // after all subcommands, which would inherit it
    }

    std::variant<Options, ExitCode> parse(int argc, const char* const* argv)
    {
        try {
            app_.parse(argc, argv);
            return options_;
        } catch (const CLI::Success& asked) {  // --help, --version
            app_.exit(asked, std::cout, std::cerr);
            return std::cout.flush() ? ExitCode::done : ExitCode::input_output;
        } catch (const CLI::ParseError& error) {
            std::cerr << "securelogin-admin: reading the command line: " << printable(why(error))
                      << ": see securelogin-admin --help\n";
            return ExitCode::usage;
        }
    }

  private:
    /// What is wrong, without any word that may be a password given in the wrong place.
    [[nodiscard]] std::string why(const CLI::ParseError& error) const
    {
        const auto left = app_.remaining(true);
        const bool required = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
        const bool extra = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
        if (left.empty() || (!required && !extra)) return error.what();
        for (const auto& word : left) {
            if (word.starts_with("--")) return "unknown option " + word.substr(0, word.find('='));
            if (word.starts_with('-')) return "unknown option " + word.substr(0, 2);
        }
        return required ? "unknown command " + left.front() : "too many operands";
    }

    template <typename Kind>
    CLI::App& add(CLI::App& parent, const char* name, const char* description, Kind& values)
    {
        auto* const command = parent.add_subcommand(name, description);
        command->parse_complete_callback([this, &values] { options_.command = values; });
        return *command;
    }

    void add_user_commands()
    {
        auto& user = *app_.add_subcommand("user", "Accounts");
        user.require_subcommand(1);

        auto& adding = add(user, "add",
                           "Add a user: ask for the password, show the QR code and the otpauth:// URI", add_);
        take_name(adding, add_.name);
        take_password(adding, add_.password);
        take_qr(adding, add_.qr);
        take_totp(adding, add_.totp);
        take_must_change(adding, add_.must_change);
        adding.add_flag(
            "--recovery-codes", add_.recovery_codes,
            "Also make ten recovery codes and print them, once (the user can make others: CODES)");

        auto& invite =
            add(user, "invite", "Print an invitation, with which the person enrols alone", invite_);
        take_name(invite, invite_.name);
        take_expiry(invite, invite_.lasts);

        add(user, "list", "List all users", list_);
        take_name(add(user, "show", "Show a user", show_), show_.name);
        take_name(add(user, "disable", "Let a user in no more; sessions end", disable_), disable_.name);
        take_name(add(user, "enable", "Let a disabled user in again", enable_), enable_.name);
        take_name(add(user, "remove", "Remove a user with key and sessions, or an invitation", remove_),
                  remove_.name);

        auto& passwd = add(user, "passwd", "Set a new password; sessions end", passwd_);
        take_name(passwd, passwd_.name);
        take_password(passwd, passwd_.password);
        take_must_change(passwd, passwd_.must_change);

        auto& reset =
            add(user, "reset-totp",
                "End the key for one-time codes and sessions; print an invitation to enrol anew", reset_);
        take_name(reset, reset_.name);
        take_qr(reset, reset_.qr);
        take_expiry(reset, reset_.lasts);
        auto* const picture = reset.get_option("--qr");
        picture->description("Make a new key at once, and write its QR code as a PNG, mode 0600");
        picture->excludes(reset.get_option("--expires"));
        reset.get_option("--no-terminal-qr")->needs(picture);

        auto& forget = add(user, "forget-device", "Forget a device of a user, or all of them", forget_);
        take_name(forget, forget_.name);
        take_device(forget, forget_);
    }

    void add_session_commands()
    {
        auto& session = *app_.add_subcommand("session", "Sessions and tokens");
        session.require_subcommand(1);
        add(session, "list", "Sessions that stand", session_list_)
            .add_option("NAME", session_list_.name, "Only this user's");
        auto& revoke = add(session, "revoke", "End a session of a user, or all of them", session_revoke_);
        take_name(revoke, session_revoke_.name);
        revoke.add_option("ID", session_revoke_.which, "The session, as session list has it; or all")
            ->required();
        add(session, "verify", "Whose token is on stdin; one line of JSON", session_verify_);
    }

    void add_audit_commands()
    {
        auto& audit = *app_.add_subcommand("audit", "What happened");
        audit.require_subcommand(1);
        take_audit_query(add(audit, "show", "Show the newest records", audit_show_), audit_show_);
        take_checkpoint(add(audit, "verify", "Check that the audit is as it was written", audit_verify_),
                        audit_verify_.checkpoint);
        add(audit, "export", "All records as JSON, one a line", audit_export_)
            .add_option("--after", audit_export_.after, "Only records with a greater id")
            ->check(CLI::NonNegativeNumber)
            ->type_name("ID");
    }

    void add_moving_commands()
    {
        auto& backup =
            add(app_, "backup", "Copy the database while logins go on; the master key is not in it", backup_);
        take_file(backup, backup_.file, "Where to; never over an existing file; mode 0600");
        auto& restore = add(app_, "restore",
                            "Put a backup in the place of the database, the daemon being stopped", restore_);
        take_file(restore, restore_.file, "The backup");
        restore.add_flag("--trust-clock", restore_.trust_clock,
                         "The clock is right, although the audit has records of later moments");

        auto& exporting =
            add(app_, "export", "All accounts as JSON lines, sealed under a passphrase", export_);
        exporting.add_option("FILE", export_.file, "Where to (default stdout); never over an existing file");
        auto* const plain = exporting.add_flag(
            "--plain", export_.plain,
            "In clear: password hashes and one-time code secrets, for anyone who reads it");
        take_passphrase(exporting, export_.passphrase)->excludes(plain);
        auto& unseal = add(app_, "unseal", "What a sealed export holds, in clear", unseal_);
        take_file(unseal, unseal_.file, "The export");
        unseal.add_option("--to", unseal_.to, "Where to (default stdout); never over an existing file")
            ->type_name("FILE");
        take_passphrase(unseal, unseal_.passphrase);
    }

    CLI::App app_;
    Options options_;
    Backup backup_;
    Restore restore_;
    Export export_;
    Unseal unseal_;
    Doctor doctor_;
    PolicyExplain explain_;
    KeyRotate rotate_;
    KeyGenerate generate_;
    Status status_;
    UserAdd add_;
    UserInvite invite_;
    UserList list_;
    UserShow show_;
    UserDisable disable_;
    UserEnable enable_;
    UserRemove remove_;
    UserPasswd passwd_;
    UserResetTotp reset_;
    UserForgetDevice forget_;
    AuditShow audit_show_;
    AuditVerify audit_verify_;
    AuditExport audit_export_;
    SessionList session_list_;
    SessionRevoke session_revoke_;
    SessionVerify session_verify_;
    Import import_;
};

}  // namespace

std::variant<Options, ExitCode> parse_command_line(int argc, const char* const* argv)
{
    return CommandLine().parse(argc, argv);
}

}  // namespace securelogin::admin
