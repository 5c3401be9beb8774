#include "server/admin/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/text.hpp"
#include "server/admin/doctor_checks.hpp"
#include "server/admin/failure.hpp"

namespace securelogin::admin {
namespace {

using Level = Finding::Level;

std::string_view to_text(Level level)
{
    switch (level) {
        case Level::ok:
            return "ok";
        case Level::warning:
            return "warning";
        case Level::problem:
            return "problem";
    }
    return "problem";
}

std::optional<Settings> read(const Options& options, Findings& findings)
{
    try {
        auto settings = read_settings(options.config);
        std::error_code ignored;
        const bool there = options.config || std::filesystem::exists(kDefaultConfigFile, ignored);
        const std::string file = options.config ? options.config->string() : std::string(kDefaultConfigFile);
        findings.push_back(
            {Level::ok, "settings", there ? file + " can be read" : "the defaults: there is no " + file});
        return settings;
    } catch (const StartupError& error) {
        findings.push_back(
            {Level::problem, "settings", error.what(), "then look again: the rest depends on them"});
        return std::nullopt;
    }
}

std::optional<DataDirectory> open(const Options& options, const Settings& settings, Findings& findings)
{
    try {
        auto directory = DataDirectory::open(DataDirectory::choose(options.data, settings),
                                             DataDirectory::IfMissing::refuse, settings.process.user);
        findings.push_back({Level::ok, "data directory", directory.path().string() + " is private"});
        return directory;
    } catch (const StartupError& error) {
        findings.push_back({Level::problem, "data directory", error.what(), "then look again: all is in it"});
        return std::nullopt;
    }
}

Findings examine(const Options& options)
{
    Findings findings;
    const auto settings = read(options, findings);
    if (!settings) return findings;
    check_settings(*settings, findings);
    const auto directory = open(options, *settings, findings);
    if (!directory) return findings;
    const auto now = auth::SystemClock().now();
    check_data_directory(*directory, findings);
    check_daemon(*directory, findings);
    const auto keys = check_master_key(*directory, findings);
    const auto newest = check_database(*directory, keys, *settings, findings);
    check_clock(now, newest, findings);
    check_certificate(*settings, *directory, now, findings);
    check_disk(*directory, findings);
    return findings;
}

std::string line(const Finding& finding)
{
    auto text = fmt::format("{:<8} {}: {}", to_text(finding.level), finding.check, printable(finding.what));
    if (!finding.remedy.empty()) text += ": " + printable(finding.remedy);
    return text + "\n";
}

boost::json::object to_json(const Finding& finding)
{
    boost::json::object object{{"check", finding.check},
                               {"result", to_text(finding.level)},
                               {"what", printable(finding.what)},
                               {"remedy", nullptr}};
    if (!finding.remedy.empty()) object["remedy"] = printable(finding.remedy);
    return object;
}

void show(const Options& options, const Findings& findings, std::size_t problems, Output& output)
{
    if (!options.json) {
        for (const auto& finding : findings) output.write(line(finding));
        return output.flush();
    }
    boost::json::array checks;
    for (const auto& finding : findings) checks.push_back(to_json(finding));
    output.write_json({{"problems", problems}, {"checks", checks}});
    output.write("\n");
    output.flush();
}

}  // namespace

void run(const Options& options, const Doctor&, Output& output)
{
    const auto findings = examine(options);
    const auto problems = static_cast<std::size_t>(
        std::ranges::count(findings, Level::problem, [](const Finding& finding) { return finding.level; }));
    show(options, findings, problems, output);
    if (problems > 0)
        throw Failure(ExitCode::problems,
                      fmt::format("examining: {} {}", problems, problems == 1 ? "problem" : "problems"));
}

}  // namespace securelogin::admin
