#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>

#include "common/text.hpp"
#include "server/admin/backup_commands.hpp"
#include "server/admin/installation.hpp"
#include "server/auth/time_text.hpp"
#include "server/ownership.hpp"
#include "server/store/restoration.hpp"

namespace securelogin::admin {
namespace {

using IfMissing = DataDirectory::IfMissing;
using std::chrono::minutes;

/// Clocks of two machines differ by less; and so long, at most, does a restore lock people out for a clock's
/// sake.
constexpr auto kClockTolerance = minutes(10);

constexpr std::string_view kDoing = "restoring";

[[noreturn]] void fail_to_restore(ExitCode code, const std::filesystem::path& file, const std::string& why)
{
    throw Failure(code, fmt::format("{} {}: {}", kDoing, printable(file.string()), why));
}

Descriptor open_backup(const std::filesystem::path& file)
{
    Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status{};
    if (!opened.is_open() || ::fstat(opened.get(), &status) != 0)
        fail_to_restore(ExitCode::input_output, file, std::generic_category().message(errno));
    if (!S_ISREG(status.st_mode)) fail_to_restore(ExitCode::usage, file, "it is not a file");
    return opened;
}

/// Where it was copied with its log; a backup that we have made has none.
Descriptor open_log(const std::filesystem::path& file)
{
    const auto log = file.string() + "-wal";
    Descriptor opened(::open(log.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!opened.is_open() && errno != ENOENT)
        fail_to_restore(ExitCode::input_output, log, std::generic_category().message(errno));
    return opened;
}

/// No code was spent later than this.  A clock that is behind would bring codes back that were used: deny.
auth::Time moment_of(const Restore& command, const store::Verified& backup, const store::Replaced& replaced)
{
    const auto now = auth::SystemClock().now();
    const auto newest = std::max(backup.newest.value_or(now), replaced.newest.value_or(now));
    if (newest <= now || command.trust_clock) return now;
    if (newest - now > kClockTolerance) {
        fail_to_restore(
            ExitCode::refused, command.file,
            fmt::format("the clock says {}, and the audit has a record of {}: set the clock; or, where it "
                        "is right and "
                        "was wrong then, give --trust-clock",
                        auth::to_rfc3339(now), auth::to_rfc3339(newest)));
    }
    return newest;
}

/// All that is told.
struct Restored {
    store::Verified backup;
    store::Replaced replaced;
    store::HeldOn held;
    std::optional<std::filesystem::path> kept;
};

Restored restore(const Location& location, const Restore& command, const store::BackupFile& backup)
{
    store::Restoration restoration(location.directory.database(),
                                   location.directory.master_keys(IfMissing::refuse));
    restoration.stage(backup);
    Restored done{
        .backup = restoration.verify(), .replaced = restoration.look_at_replaced(), .held = {}, .kept = {}};
    const auto moment = moment_of(command, done.backup, done.replaced);
    done.held = restoration.neutralize(moment, location.settings.policy.totp_window);
    done.kept = restoration.replace(auth::SystemClock().now());
    return done;
}

/// The names are told here and nowhere else: the audit goes on from the backup's end.
void report(const store::HeldAccounts& accounts, std::string_view what, std::string_view remedy)
{
    if (accounts.count == 0) return;
    std::cerr << fmt::format("{}: {} ({}):\n", what, accounts.count, remedy);
    for (const auto& name : accounts.names) std::cerr << "  " << name << '\n';
    if (accounts.count > accounts.names.size())
        std::cerr << fmt::format("  and {} more\n", accounts.count - accounts.names.size());
}

boost::json::array to_json(const store::HeldAccounts& accounts)
{
    boost::json::array names;
    for (const auto& name : accounts.names) names.emplace_back(name);
    return names;
}

void report(const Restored& done, const Settings& settings)
{
    using std::chrono::seconds;
    std::cerr << fmt::format(
        "all sessions have ended; recovery codes and invitations are void; codes count again in "
        "{} s (with a period of 30 s)\n",
        (settings.policy.totp_window + 1) * seconds(30).count());
    report(done.held.disabled, "disabled or removed since the backup, and disabled now",
           "user enable, user remove");
    report(done.held.unenrolled, "without a key for codes: it has been taken away since the backup",
           "user invite");
    report(done.held.stale, "with the password or the key from before a change",
           "user passwd, user reset-totp");
    if (done.replaced.state == store::Replaced::State::damaged) {
        std::cerr << "the database that was replaced could not be read: who was disabled since is enabled "
                     "again, and "
                     "wrong codes since are forgotten\n";
    }
    if (done.kept) {
        std::cerr << fmt::format("the database that was replaced is kept: remove {} when all is well\n",
                                 shell_word(*done.kept));
    }
}

void confirm(const Options& options, const Restored& done, Output& output)
{
    if (!options.json) {
        return output.write(fmt::format("users {}\nmaster-key-id {}\nrecords {}\n", done.backup.users,
                                        auth::key_id_text(done.backup.key_id), done.backup.last.id));
    }
    boost::json::object object{{"users", done.backup.users},
                               {"master_key_id", auth::key_id_text(done.backup.key_id)},
                               {"schema_version", done.backup.schema_version},
                               {"records", done.backup.last.id},
                               {"disabled", to_json(done.held.disabled)},
                               {"unenrolled", to_json(done.held.unenrolled)},
                               {"stale", to_json(done.held.stale)},
                               {"replaced", nullptr}};
    if (done.kept) object["replaced"] = printable(done.kept->string());
    output.write_json(object);
    output.write("\n");
}

}  // namespace

void run(const Options& options, const Restore& command, Output& output)
{
    const auto file = open_backup(command.file);  // with the rights of whoever names it
    const auto log = open_log(command.file);
    const auto location = open_location(options, IfMissing::refuse, DirectoryLock::As::only);
    const auto done =
        restore(location, command,
                {.database = file.get(), .log = log.is_open() ? log.get() : -1, .name = command.file});
    confirm(options, done, output);
    output.flush();
    report(done, location.settings);
}

}  // namespace securelogin::admin
