#include "server/admin/import_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/value.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/text.hpp"
#include "server/admin/failure.hpp"
#include "server/admin/import/importer.hpp"
#include "server/admin/import/invitation_list.hpp"
#include "server/admin/import/progress_bar.hpp"
#include "server/admin/installation.hpp"
#include "server/admin/output.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/invitation.hpp"
#include "server/store/kept_keys.hpp"
#include "server/thread_counts.hpp"

namespace securelogin::admin {
namespace {

using IfMissing = DataDirectory::IfMissing;
using store::ImportStaging;

/// What a run has come to.
struct Outcome {
    ImportKind kind;
    std::string unit;
    bool applied = false;
    ImportSummary summary = {};
    std::chrono::milliseconds locked{0};
};

std::string doing(const Import& command) { return "importing " + printable(command.file.string()); }

Importer::Plan plan_of(const Import& command, const Settings& settings)
{
    return {.apply = command.apply,
            .skip_bad = command.skip_bad,
            .hash = settings.policy.hash,
            .threads = cores(),
            .now = auth::SystemClock().now()};
}

ImportSummary gather(const Import& command, const Settings& settings, ImportStaging& staging, RowSource& rows,
                     ProgressBar& bar)
{
    auth::SystemRandom random;
    Importer importer(staging, random, plan_of(command, settings),
                      [&](std::uint64_t position, std::uint64_t count) {
                          bar.draw(command.apply ? "importing" : "checking", position, count);
                      });
    return importer.gather(rows);
}

/// Where the data directory would be; nothing of it is made or changed.
Outcome try_only(const Options& options, const Import& command, const OpenedImport& opened)
{
    const auto settings = read_settings(options.config);
    const auto path = DataDirectory::choose(options.data, settings);
    std::optional<std::filesystem::path> database;
    if (std::filesystem::exists(path)) {
        const auto directory = DataDirectory::open(path, IfMissing::refuse, settings.process.user);
        if (std::filesystem::exists(directory.database())) database = directory.database();
    }
    ImportStaging staging(database);
    ProgressBar bar(opened.rows->size());
    return {.kind = opened.kind,
            .unit = std::string(opened.rows->unit()),
            .summary = gather(command, settings, staging, *opened.rows, bar)};
}

std::string audit_reason(const Import& command, const Outcome& outcome)
{
    constexpr std::size_t longest_name = 64;
    return fmt::format(
        "{} accounts, {} of them invited, from {} ({})", outcome.summary.accounts, outcome.summary.invited,
        printable(command.file.filename().string()).substr(0, longest_name), to_string(outcome.kind));
}

/// All of it, or an exception and nothing.
std::chrono::milliseconds publish(const Import& command, const Installation& installation,
                                  ImportStaging& staging, const Outcome& outcome, InvitationList* list,
                                  ProgressBar& bar)
{
    const auth::SystemClock clock;
    auth::SystemRandom random;
    const auto kept = store::read_kept_keys(installation.directory.database(), installation.keys);
    const auth::Invitations invitations(kept.names, clock, random, "admin");
    bar.begin_again(outcome.summary.accounts);
    ImportStaging::Publication publication{.now = clock.now(), .reason = audit_reason(command, outcome)};
    publication.progress = [&](std::uint64_t accounts) { bar.draw("writing", accounts, accounts); };
    if (list != nullptr) {
        publication.invite = [&](auth::Transaction& transaction, const auth::UserName& name) {
            list->invite(transaction, invitations, name, command.invitations_last);
        };
        publication.before_commit = [&] { list->flush(); };
    }
    const auto published = staging.publish(publication);
    if (list != nullptr) list->keep();
    return published.locked;
}

Outcome apply(const Options& options, const Import& command, const OpenedImport& opened, InvitationList* list)
{
    auto installation = open_installation(options, IfMissing::make);
    installation.store.reset();  // no other writer of ours
    ImportStaging staging(installation.directory.database(), installation.keys);
    ProgressBar bar(opened.rows->size());
    Outcome outcome{.kind = opened.kind,
                    .unit = std::string(opened.rows->unit()),
                    .summary = gather(command, installation.settings, staging, *opened.rows, bar)};
    if ((outcome.summary.faults > 0 && !command.skip_bad) || outcome.summary.accounts == 0) return outcome;
    outcome.locked = publish(command, installation, staging, outcome, list, bar);
    outcome.applied = true;
    return outcome;
}

boost::json::value to_json(const PassedOver& passed)
{
    return {{"row", passed.row},
            {"name", printable(passed.name)},
            {"reason", printable(passed.reason)},
            {"fault", passed.fault}};
}

/// Row by row: a report may be long, and JSON values are not small.
void report_json(const Outcome& outcome, Output& output)
{
    const auto& summary = outcome.summary;
    output.write(fmt::format(
        R"({{"kind":"{}","applied":{},"rows":{},"accounts":{},"invited":{},)"
        R"("no_password":{},"wrapped":{},"weaker":{},"left_out":{},"faults":{},"locked_ms":{},"unit":"{}","passed_over":[)",
        to_string(outcome.kind), outcome.applied, summary.rows, summary.accounts, summary.invited,
        summary.no_password, summary.wrapped, summary.weaker, summary.left_out, summary.faults,
        outcome.locked.count(), outcome.unit));
    bool first = true;
    for (const auto& passed : summary.passed_over) {
        if (!std::exchange(first, false)) output.write(",");
        output.write_json(to_json(passed));
    }
    output.write("]}\n");
}

void report_text(const Outcome& outcome, Output& output)
{
    const auto& summary = outcome.summary;
    for (const auto& passed : summary.passed_over) {
        output.write(fmt::format("{} {}: {}: {}{}\n", outcome.unit, passed.row, printable(passed.name),
                                 printable(passed.reason), passed.fault ? "" : " (left out)"));
    }
    const auto unlisted = summary.faults + summary.left_out - summary.passed_over.size();
    if (unlisted > 0) output.write(fmt::format("and {} more\n", unlisted));
    output.write(
        fmt::format("kind         {}\napplied      {}\nrows         {}\naccounts     {}\ninvited      {}\n"
                    "no-password  {}\nwrapped      {}\nweaker       {}\nleft-out     {}\nfaults       {}\n",
                    to_string(outcome.kind), outcome.applied ? "yes" : "no", summary.rows, summary.accounts,
                    summary.invited, summary.no_password, summary.wrapped, summary.weaker, summary.left_out,
                    summary.faults));
}

void conclude(const Import& command, const Outcome& outcome)
{
    const auto& summary = outcome.summary;
    if (summary.faults > 0 && !command.skip_bad) {
        throw Failure(ExitCode::refused,
                      fmt::format("{}: {} of {} rows cannot be imported, and nothing has been: mend them, or "
                                  "leave them out with --skip-bad",
                                  doing(command), summary.faults, summary.rows));
    }
    if (!command.apply) {
        tell("nothing has been changed: the same with --apply imports");
        return;
    }
    if (summary.invited > 0 && !command.invitations) {
        tell(
            fmt::format("{} of the accounts have no key for one-time codes: `securelogin-admin user invite "
                        "NAME` lets each of their holders in",
                        summary.invited));
    }
    if (summary.no_password > 0) {
        tell(
            fmt::format("{} of the accounts have no password: `securelogin-admin user passwd NAME` sets one, "
                        "and their keys go on working",
                        summary.no_password));
    }
}

}  // namespace

void run(const Options& options, const Import& command, Output& output)
{
    if (command.invitations && !command.apply) {
        throw Failure(ExitCode::usage, doing(command) + ": --invitations goes with --apply");
    }
    // Before the process becomes the data directory's owner, who may not read the one nor write the other.
    const auto opened = open_import(command.file, command.from);
    std::optional<InvitationList> list;
    if (command.invitations) list.emplace(*command.invitations);

    const auto outcome = command.apply ? apply(options, command, opened, list ? &*list : nullptr)
                                       : try_only(options, command, opened);
    options.json ? report_json(outcome, output) : report_text(outcome, output);
    output.flush();
    conclude(command, outcome);
}

}  // namespace securelogin::admin
