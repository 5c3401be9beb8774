#include "server/admin/options.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>
#include <vector>

namespace securelogin::admin {
namespace {

using namespace std::chrono_literals;

std::variant<Options, ExitCode> parse(std::vector<const char*> words)
{
    words.insert(words.begin(), "securelogin-admin");
    return parse_command_line(static_cast<int>(words.size()), words.data());
}

Options parse_good(const std::vector<const char*>& words)
{
    auto parsed = parse(words);
    EXPECT_TRUE(std::holds_alternative<Options>(parsed));
    return std::get<Options>(std::move(parsed));
}

struct OrderCase {
    const char* name;
    std::vector<const char*> words;
};

/// The same wish, whatever the order of its words.
class AnyOrder : public testing::TestWithParam<OrderCase> {};

TEST_P(AnyOrder, IsTheSameWish)
{
    const auto options = parse_good(GetParam().words);
    EXPECT_EQ(options.data, "/srv/d");
    EXPECT_EQ(options.config, "/etc/c");
    EXPECT_TRUE(options.json);
    const auto* add = std::get_if<UserAdd>(&options.command);
    ASSERT_NE(add, nullptr);
    EXPECT_EQ(add->name, "alice");
    EXPECT_EQ(add->password, PasswordFrom::generator);
    EXPECT_EQ(add->qr.file, "a.png");
    EXPECT_FALSE(add->qr.terminal);
    EXPECT_EQ(add->totp, (auth::TotpParameters{auth::TotpAlgorithm::sha512, 8, 60s}));
}

INSTANTIATE_TEST_SUITE_P(
    Orders, AnyOrder,
    testing::Values(OrderCase{"OptionsFirst",
                              {"--data", "/srv/d", "--config", "/etc/c", "--json", "user", "add",
                               "--generate-password", "--qr", "a.png", "--no-terminal-qr", "--algorithm",
                               "sha512", "--digits", "8", "--period", "60", "alice"}},
                    OrderCase{"OperandFirst",
                              {"user", "add", "alice", "--period", "60", "--digits", "8", "--algorithm",
                               "sha512", "--no-terminal-qr", "--qr", "a.png", "--generate-password", "--json",
                               "--config", "/etc/c", "--data", "/srv/d"}},
                    OrderCase{"InBetween",
                              {"user", "--json", "add", "--qr", "a.png", "alice", "--data", "/srv/d",
                               "--no-terminal-qr", "--algorithm", "sha512", "--generate-password", "--config",
                               "/etc/c", "--digits", "8", "--period", "60"}},
                    OrderCase{"WithEqualsSigns",
                              {"--data=/srv/d", "user", "add", "--algorithm=sha512", "--digits=8",
                               "--period=60", "--qr=a.png", "alice", "--generate-password",
                               "--no-terminal-qr", "--json", "--config=/etc/c"}}),
    [](const auto& row) { return row.param.name; });

TEST(Options, DefaultsOfUserAdd)
{
    const auto options = parse_good({"user", "add", "alice"});
    EXPECT_FALSE(options.data);
    EXPECT_FALSE(options.config);
    EXPECT_FALSE(options.json);
    const auto& add = std::get<UserAdd>(options.command);
    EXPECT_EQ(add.password, PasswordFrom::terminal);
    EXPECT_FALSE(add.qr.file);
    EXPECT_TRUE(add.qr.terminal);
    EXPECT_EQ(add.totp, auth::TotpParameters{});
    EXPECT_FALSE(add.must_change);
    EXPECT_FALSE(add.recovery_codes);
}

TEST(Options, WhatElseAnAccountIsGiven)
{
    const auto add =
        std::get<UserAdd>(parse_good({"user", "add", "--must-change", "--recovery-codes", "a"}).command);
    EXPECT_TRUE(add.must_change);
    EXPECT_TRUE(add.recovery_codes);
    EXPECT_TRUE(
        std::get<UserPasswd>(parse_good({"user", "passwd", "a", "--must-change"}).command).must_change);
    EXPECT_FALSE(std::get<UserPasswd>(parse_good({"user", "passwd", "a"}).command).must_change);
}

TEST(Options, EachCommandIsItself)
{
    EXPECT_TRUE(std::holds_alternative<Status>(parse_good({"status"}).command));
    EXPECT_TRUE(std::holds_alternative<UserList>(parse_good({"user", "list"}).command));
    EXPECT_TRUE(std::holds_alternative<KeyRotate>(parse_good({"key", "rotate"}).command));
    EXPECT_TRUE(std::holds_alternative<KeyGenerate>(parse_good({"key", "generate"}).command));
    EXPECT_EQ(std::get<UserShow>(parse_good({"user", "show", "a"}).command).name, "a");
    EXPECT_EQ(std::get<UserDisable>(parse_good({"user", "disable", "a"}).command).name, "a");
    EXPECT_EQ(std::get<UserEnable>(parse_good({"user", "enable", "a"}).command).name, "a");
    EXPECT_EQ(std::get<UserRemove>(parse_good({"user", "remove", "a"}).command).name, "a");
    EXPECT_EQ(std::get<UserPasswd>(parse_good({"user", "passwd", "--password-stdin", "a"}).command).password,
              PasswordFrom::standard_input);
    EXPECT_EQ(std::get<UserResetTotp>(parse_good({"user", "reset-totp", "a", "--qr", "f"}).command).qr.file,
              "f");
    EXPECT_EQ(std::get<UserResetTotp>(parse_good({"user", "reset-totp", "a"}).command).lasts,
              std::chrono::hours(24));
    const auto invite = std::get<UserInvite>(parse_good({"user", "invite", "a", "--expires", "3d"}).command);
    EXPECT_EQ(invite.name, "a");
    EXPECT_EQ(invite.lasts, std::chrono::days(3));
    const auto one =
        std::get<UserForgetDevice>(parse_good({"user", "forget-device", "a", "AAAAAAAA"}).command);
    EXPECT_EQ(one.name, "a");
    EXPECT_EQ(one.fingerprint, "AAAAAAAA");
    EXPECT_FALSE(one.all);
    const auto all = std::get<UserForgetDevice>(parse_good({"user", "forget-device", "a", "--all"}).command);
    EXPECT_FALSE(all.fingerprint);
    EXPECT_TRUE(all.all);
}

TEST(Options, WhichSessionsAreWanted)
{
    EXPECT_FALSE(std::get<SessionList>(parse_good({"session", "list"}).command).name);
    EXPECT_EQ(std::get<SessionList>(parse_good({"session", "list", "alice"}).command).name, "alice");
    const auto revoke =
        std::get<SessionRevoke>(parse_good({"session", "revoke", "alice", "0badcafe"}).command);
    EXPECT_EQ(revoke.name, "alice");
    EXPECT_EQ(revoke.which, "0badcafe");
    EXPECT_TRUE(std::holds_alternative<SessionVerify>(parse_good({"session", "verify"}).command));
}

TEST(Options, WhichAuditRecordsAreWanted)
{
    const auto defaults = std::get<AuditShow>(parse_good({"audit", "show"}).command);
    EXPECT_FALSE(defaults.user || defaults.since || defaults.event);
    EXPECT_EQ(defaults.limit, 100);
    const auto show = std::get<AuditShow>(
        parse_good({"audit", "show", "--limit", "7", "--since", "2h", "--user", "alice", "--event", "login"})
            .command);
    EXPECT_EQ(show.user, "alice");
    EXPECT_EQ(show.since, Since(std::chrono::seconds(2h)));
    EXPECT_EQ(show.event, "login");
    EXPECT_EQ(show.limit, 7);
    EXPECT_EQ(std::get<AuditExport>(parse_good({"audit", "export", "--after", "9"}).command).after, 9);
    EXPECT_FALSE(std::get<AuditVerify>(parse_good({"audit", "verify"}).command).checkpoint);
    const auto mark = "12:" + std::string(43, 'A');
    EXPECT_EQ(std::get<AuditVerify>(parse_good({"audit", "verify", "--checkpoint", mark.c_str()}).command)
                  .checkpoint,
              (auth::AuditMark{.id = 12, .mac = {}}));
}

TEST(Options, WhatIsImportedAndHow)
{
    const auto defaults = std::get<Import>(parse_good({"import", "userdata.db"}).command);
    EXPECT_EQ(defaults.file, "userdata.db");
    EXPECT_FALSE(defaults.from || defaults.apply || defaults.skip_bad || defaults.invitations);
    EXPECT_EQ(defaults.invitations_last, 24h * 7);
    const auto import = std::get<Import>(parse_good({"import", "--apply", "--from", "htpasswd", "--expires",
                                                     "30d", "f", "--skip-bad", "--invitations", "i.csv"})
                                             .command);
    EXPECT_EQ(import.from, ImportKind::htpasswd);
    EXPECT_TRUE(import.apply && import.skip_bad);
    EXPECT_EQ(import.invitations, "i.csv");
    EXPECT_EQ(import.invitations_last, 24h * 30);
}

TEST(Options, WhatMovesWhere)
{
    EXPECT_EQ(std::get<Backup>(parse_good({"backup", "b.db"}).command).file, "b.db");
    const auto restore = std::get<Restore>(parse_good({"restore", "b.db", "--trust-clock"}).command);
    EXPECT_EQ(restore.file, "b.db");
    EXPECT_TRUE(restore.trust_clock);
    const auto sealed = std::get<Export>(parse_good({"export", "a", "--passphrase-file", "p"}).command);
    EXPECT_EQ(sealed.file, "a");
    EXPECT_EQ(sealed.passphrase, "p");
    EXPECT_FALSE(sealed.plain);
    const auto plain = std::get<Export>(parse_good({"export", "--plain"}).command);
    EXPECT_FALSE(plain.file);
    EXPECT_TRUE(plain.plain);
    const auto unseal = std::get<Unseal>(parse_good({"unseal", "a", "--to", "b"}).command);
    EXPECT_EQ(unseal.file, "a");
    EXPECT_EQ(unseal.to, "b");
    EXPECT_TRUE(std::holds_alternative<Doctor>(parse_good({"doctor", "--json"}).command));
}

struct WrongCase {
    const char* name;
    std::vector<const char*> words;
};

class WrongUsage : public testing::TestWithParam<WrongCase> {};

TEST_P(WrongUsage, IsRefusedInOneLine)
{
    testing::internal::CaptureStderr();
    const auto parsed = parse(GetParam().words);
    const auto message = testing::internal::GetCapturedStderr();
    ASSERT_TRUE(std::holds_alternative<ExitCode>(parsed));
    EXPECT_EQ(std::get<ExitCode>(parsed), ExitCode::usage);
    EXPECT_TRUE(message.starts_with("securelogin-admin: reading the command line: ")) << message;
    EXPECT_EQ(message.find('\n'), message.size() - 1) << message;
    EXPECT_EQ(message.find('\x1b'), std::string::npos) << message;
    EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    Words, WrongUsage,
    testing::Values(
        WrongCase{"Nothing", {}}, WrongCase{"UserAlone", {"user"}},
        WrongCase{"UnknownCommand", {"frobnicate"}},
        WrongCase{"UnknownUserCommand", {"user", "frobnicate", "alice"}},
        WrongCase{"UnknownOption", {"user", "list", "--frobnicate"}},
        WrongCase{"NameMissing", {"user", "add"}}, WrongCase{"TwoNames", {"user", "show", "alice", "bob"}},
        WrongCase{"TwoCommands", {"user", "show", "alice", "status"}},
        WrongCase{"TwoPasswords", {"user", "add", "alice", "--password-stdin", "--generate-password"}},
        WrongCase{"PasswordInArgv", {"user", "add", "alice", "--password", "hunter2"}},
        WrongCase{"PasswordInArgvWithEqualsSign", {"user", "add", "alice", "--password=hunter2"}},
        WrongCase{"PasswordBehindAShortOption", {"user", "passwd", "alice", "-phunter2"}},
        WrongCase{"PasswordAsOperand", {"user", "passwd", "alice", "hunter2"}},
        WrongCase{"UnknownAlgorithm", {"user", "add", "alice", "--algorithm", "md5"}},
        WrongCase{"SevenDigits", {"user", "add", "alice", "--digits", "7"}},
        WrongCase{"DigitsInWords", {"user", "add", "alice", "--digits", "six"}},
        WrongCase{"PeriodTooShort", {"user", "add", "alice", "--period", "9"}},
        WrongCase{"PeriodTooLong", {"user", "add", "alice", "--period", "301"}},
        WrongCase{"QrWithoutFile", {"user", "add", "alice", "--qr"}},
        WrongCase{"DataWithoutDirectory", {"user", "list", "--data"}},
        WrongCase{"OptionOfAnotherCommand", {"user", "show", "alice", "--qr", "a.png"}},
        WrongCase{"SessionAlone", {"session"}}, WrongCase{"RevokeNobody", {"session", "revoke"}},
        WrongCase{"RevokeNothing", {"session", "revoke", "alice"}},
        WrongCase{"ATokenInArgv", {"session", "verify", "hunter2"}}, WrongCase{"KeyAlone", {"key"}},
        WrongCase{"AKeyInArgv", {"key", "rotate", "hunter2"}}, WrongCase{"BackupToNowhere", {"backup"}},
        WrongCase{"RestoreOfNothing", {"restore"}}, WrongCase{"UnsealOfNothing", {"unseal"}},
        WrongCase{"PlainAndSealed", {"export", "--plain", "--passphrase-file", "p"}},
        WrongCase{"APassphraseInArgv", {"export", "a", "hunter2"}}, WrongCase{"AuditAlone", {"audit"}},
        WrongCase{"ANegativeLimit", {"audit", "show", "--limit", "-1"}},
        WrongCase{"ALimitInWords", {"audit", "show", "--limit", "ten"}},
        WrongCase{"ATimeThatIsNone", {"audit", "show", "--since", "yesterday"}},
        WrongCase{"ACheckpointThatIsNone", {"audit", "verify", "--checkpoint", "12"}},
        WrongCase{"ANegativeId", {"audit", "export", "--after", "-1"}},
        WrongCase{"ImportOfNothing", {"import"}}, WrongCase{"ImportOfTwoFiles", {"import", "a", "b"}},
        WrongCase{"ImportFromNowhere", {"import", "a", "--from", "ldap"}},
        WrongCase{"InvitationsForEver", {"import", "a", "--expires", "31d"}},
        WrongCase{"InvitationsForNoTime", {"import", "a", "--expires", "0s"}},
        WrongCase{"InvitationsUntilADay", {"import", "a", "--expires", "2026-11-22"}},
        WrongCase{"EscapeCodesAreNotPassedOn", {"user", "\x1b]0;pwned\x07"}}),
    [](const auto& row) { return row.param.name; });

struct AskedCase {
    const char* name;
    std::vector<const char*> words;
    const char* text;  // to be found on stdout
};

class AskedFor : public testing::TestWithParam<AskedCase> {};

TEST_P(AskedFor, IsToldOnStdout)
{
    testing::internal::CaptureStdout();
    const auto parsed = parse(GetParam().words);
    const auto text = testing::internal::GetCapturedStdout();
    ASSERT_TRUE(std::holds_alternative<ExitCode>(parsed));
    EXPECT_EQ(std::get<ExitCode>(parsed), ExitCode::done);
    EXPECT_NE(text.find(GetParam().text), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Texts, AskedFor,
    testing::Values(AskedCase{"Help", {"--help"}, "Exit codes:"},
                    AskedCase{"HelpWithExamples", {"--help"}, "Examples:"},
                    AskedCase{"HelpOfUserAdd", {"user", "add", "--help"}, "--generate-password"},
                    AskedCase{"Version", {"--version"}, "securelogin-admin "}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::admin
