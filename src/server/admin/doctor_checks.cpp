#include "server/admin/doctor_checks.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>

#include "server/admin/kernel_clock.hpp"
#include "server/admin/terminal.hpp"
#include "server/alarm_runner.hpp"
#include "server/auth/clock_health.hpp"
#include "server/auth/time_text.hpp"
#include "server/auth/totp.hpp"
#include "server/directory_lock.hpp"
#include "server/ownership.hpp"
#include "server/password_settings.hpp"
#include "server/store/examination.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::admin {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr std::uint64_t kMebibyte = 1048576;
constexpr auto kFailedLogins = securelogin::Level::warning;  // as they are logged

void check_mode(const fs::path& file, Findings& findings)
{
    struct stat status{};
    if (::lstat(file.c_str(), &status) != 0) return;
    if (S_ISREG(status.st_mode) && (status.st_mode & 077U) == 0) return;
    findings.push_back({Level::problem, "data directory",
                        fmt::format("{} has mode {:o}", file.string(), status.st_mode & 07777U),
                        fmt::format("chmod 600 {}", shell_word(file))});
}

}  // namespace

void check_settings(const Settings& settings, Findings& findings)
{
    const auto advise = [&](bool so, std::string what, std::string remedy) {
        if (so) findings.push_back({Level::warning, "settings", std::move(what), std::move(remedy)});
    };
    advise(settings.process.confine == Confine::off,
           "process.confine is off: who breaks in may do what the daemon may", "remove it");
    advise(settings.metrics.reasons, "metrics.reasons shows which users exist to everybody on this host",
           "remove it");
    advise(settings.tls.allow_tls12, "tls.minimum_version lets TLS 1.2 in",
           "remove it once no client needs it");
    advise(settings.log.level > kFailedLogins, "log.level leaves failed logins out of the log",
           "set it to warning or info");
    advise(settings.policy.totp_window > 1,
           fmt::format("totp.window is {}: a key bears only {} wrong codes in its life",
                       settings.policy.totp_window, auth::lifetime_limit(6, settings.policy.totp_window)),
           "synchronize the clock, and set it to 1");
    try_to_look("settings", findings, [&] { [[maybe_unused]] const auto rules = password_rules(settings); });
    try_to_look("settings", findings, [&] {
        if (!settings.alarms.command.empty()) require_runnable(settings.alarms.command);
    });
}

void check_data_directory(const DataDirectory& directory, Findings& findings)
{
    try_to_look("data directory", findings, [&] {
        struct stat status{};
        if (::stat(directory.path().c_str(), &status) == 0 && status.st_uid == 0) {
            findings.push_back(
                {Level::warning, "data directory", "it belongs to root, and the daemon runs as root",
                 "stop the daemon, chown -R securelogin: " + shell_word(directory.path()) + ", start"});
        }
        for (const auto* const suffix : {"", "-wal", "-shm"})
            check_mode(directory.database().string() + suffix, findings);
        check_mode(directory.private_key(), findings);
        for (const auto& entry : fs::directory_iterator(directory.path())) {
            const auto name = entry.path().filename().string();
            if (name.find(".db.replaced-") == std::string::npos && !name.ends_with(".db.restoring")) continue;
            findings.push_back({Level::warning, "data directory", name + " is left of a restore",
                                "remove it when all is well"});
        }
    });
}

void check_daemon(const DataDirectory& directory, Findings& findings)
{
    try_to_look("daemon", findings, [&] {
        const auto daemon = running_daemon(directory.path());
        findings.push_back({Level::ok, "daemon",
                            !daemon       ? std::string("securelogind does not run here")
                            : *daemon > 0 ? fmt::format("securelogind runs (process {})", *daemon)
                                          : std::string("securelogind runs")});
    });
}

std::optional<auth::MasterKeySource> check_master_key(const DataDirectory& directory, Findings& findings)
{
    std::optional<auth::MasterKeySource> keys;
    try_to_look("master key", findings, [&] {
        auto source = directory.master_keys(DataDirectory::IfMissing::refuse);
        const auto all = source();
        const auto where = DataDirectory::gets_master_key_from_credential() ? std::string("the credential")
                                                                            : directory.master_key().string();
        findings.push_back(
            {Level::ok, "master key", fmt::format("{} is in {}", auth::key_id_text(all.back().id()), where)});
        if (all.size() > 1) {
            findings.push_back(
                {Level::warning, "master key", "its rotation is unfinished", "securelogin-admin key rotate"});
        }
        keys = std::move(source);
    });
    return keys;
}

namespace {

void judge(const store::Examined& examined, Findings& findings)
{
    for (const auto& damage : examined.damage) {
        findings.push_back({Level::problem, "database", "it is damaged: " + damage,
                            "stop the daemon, and restore a backup: securelogin-admin restore"});
    }
    if (examined.damage.empty()) findings.push_back({Level::ok, "database", "it is whole"});
    if (examined.schema_version < examined.newest_schema) {
        findings.push_back({Level::warning, "database",
                            fmt::format("it has schema version {}, and would be migrated to {}",
                                        examined.schema_version, examined.newest_schema),
                            "make a backup, then start securelogind, which does that"});
    } else if (examined.schema_version > examined.newest_schema) {
        findings.push_back({Level::problem, "database",
                            fmt::format("it has schema version {}, newer than {}", examined.schema_version,
                                        examined.newest_schema),
                            "upgrade the programs"});
    }
    if (examined.retiring_key_id && !examined.retiring_key_at_hand) {
        findings.push_back(
            {Level::problem, "database",
             fmt::format("its rotation is unfinished, and the master key {} that it needs as well "
                         "is not at hand",
                         auth::key_id_text(*examined.retiring_key_id)),
             "put the master.key of two lines, or the older one, in its place, and run "
             "securelogin-admin key rotate again"});
    }
    if (!examined.key_at_hand) {
        findings.push_back({Level::problem, "database",
                            fmt::format("it is under the master key {}, which is not at hand",
                                        auth::key_id_text(examined.key_id)),
                            "put the master.key that belongs to it in its place"});
    } else if (examined.schema_version == examined.newest_schema && !examined.audit_end_genuine) {
        findings.push_back({Level::problem, "audit", "its end has been tampered with: nobody can log in",
                            "securelogin-admin audit verify, and restore a backup"});
    } else if (examined.audit_end_genuine) {
        findings.push_back(
            {Level::ok, "audit", "its end is genuine (all of it: securelogin-admin audit verify)"});
    }
}

void check_clock_health(const DataDirectory& directory, const auth::MasterKeySource& keys,
                        const Settings& settings, Findings& findings)
{
    constexpr std::size_t enough = 10;  // codes: fewer may all be of one phone that is wrong
    const SignalsHeld held;             // for the writer's thread
    const auto store = store::open_sqlite_store(directory.database(), keys,
                                                {.if_older = store::SqliteOptions::IfOlder::refuse});
    auth::ClockHealth health(settings.policy.totp_window);
    store->open_reader()->for_each_account([&](const auth::Account& account) { health.add(account); });
    const auto counts = health.counts();
    const bool off = counts.codes >= enough && 2 * counts.current < counts.codes;
    findings.push_back({off ? Level::warning : Level::ok, "clock", describe(counts)});
}

}  // namespace

std::optional<auth::Time> check_database(const DataDirectory& directory,
                                         const std::optional<auth::MasterKeySource>& keys,
                                         const Settings& settings, Findings& findings)
{
    std::optional<auth::Time> newest;
    std::error_code ignored;
    if (!fs::exists(directory.database(), ignored)) {
        const bool was_there = fs::exists(directory.master_key(), ignored);
        findings.push_back({was_there ? Level::problem : Level::warning, "database",
                            was_there ? "there is none, beside a master key" : "there is none yet",
                            was_there
                                ? "restore a backup: securelogin-admin restore; a new one would be empty"
                                : "securelogind makes it when it first starts"});
        return newest;
    }
    if (!keys) return newest;  // said already; without a key nothing here can be told from noise
    try_to_look("database", findings, [&] {
        const auto examined = store::examine(directory.database(), *keys);
        newest = examined.newest_record;
        judge(examined, findings);
        const bool usable = examined.damage.empty() && examined.key_at_hand &&
                            examined.schema_version == examined.newest_schema;
        if (usable) check_clock_health(directory, *keys, settings, findings);
    });
    return newest;
}

void check_clock(auth::Time now, std::optional<auth::Time> newest_record, Findings& findings)
{
    using namespace std::chrono;
    constexpr auto written = sys_days(year(2026) / January / 1);  // this program is younger than that
    constexpr auto tolerance = minutes(1);
    if (now < written) {
        findings.push_back(
            {Level::problem, "clock", "it says " + auth::to_rfc3339(now), "set it: no code fits"});
    } else if (newest_record && *newest_record > now + tolerance) {
        findings.push_back(
            {Level::problem, "clock",
             fmt::format("it says {}, and the audit has a record of {}", auth::to_rfc3339(now),
                         auth::to_rfc3339(*newest_record)),
             "set it; where it is right and was wrong then, codes are refused until time has caught up"});
    } else {
        findings.push_back({Level::ok, "clock", auth::to_rfc3339(now)});
    }
    if (clock_synchronized()) return;
    findings.push_back({Level::warning, "clock", "the kernel does not take it for synchronized",
                        "systemctl enable --now systemd-timesyncd, or another that sets it"});
}

void check_disk(const DataDirectory& directory, Findings& findings)
{
    try_to_look("disk", findings, [&] {
        constexpr std::uint64_t least =
            64 * kMebibyte;  // the log alone grows to 16 MiB, and beyond under load
        struct statvfs disk{};
        if (::statvfs(directory.path().c_str(), &disk) != 0)
            throw StartupError(fmt::format("{}: {}", directory.path().string(), explain(errno)));
        const auto free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
        std::error_code ignored;
        const auto size =
            fs::exists(directory.database(), ignored) ? fs::file_size(directory.database(), ignored) : 0;
        const auto what =
            fmt::format("{} MiB are free, and the database has {} MiB", free / kMebibyte, size / kMebibyte);
        constexpr auto remedy = "free some space: on a full disk every login is refused";
        if (free < least) {
            findings.push_back({Level::problem, "disk", what, remedy});
        } else if (free < size + least) {
            findings.push_back({Level::warning, "disk", what, remedy});
        } else {
            findings.push_back({Level::ok, "disk", what});
        }
    });
}

}  // namespace securelogin::admin
