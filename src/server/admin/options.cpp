#include "server/admin/options.hpp"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "common/text.hpp"
#include "server/admin/help_text.hpp"
#include "server/admin/option_readers.hpp"

namespace securelogin::admin {
namespace {

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
