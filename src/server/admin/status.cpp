#include "server/admin/status.hpp"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "common/certificate.hpp"
#include "common/text.hpp"
#include "server/admin/installation.hpp"
#include "server/admin/kernel_clock.hpp"
#include "server/auth/clock_health.hpp"
#include "server/auth/phc.hpp"
#include "server/auth/time_text.hpp"
#include "server/memory_bound.hpp"
#include "server/store/kept_keys.hpp"
#include "server/thread_counts.hpp"

namespace securelogin::admin {
namespace {

struct CertificateStatus {
    std::filesystem::path file;
    std::string fingerprint = {};
    std::optional<auth::Time> expires_at = {};
    std::string problem = {};  // why the two are not known
};

/// All that is told, gathered first, so that what cannot be read is said before anything is printed.
struct Picture {
    std::optional<std::filesystem::path> settings;  // nothing: the defaults
    std::filesystem::path data_directory;
    std::filesystem::path database;
    std::filesystem::path master_key;
    std::string master_key_id;
    bool rotation_unfinished;
    CertificateStatus certificate;
    auth::StoreSummary store;
    std::size_t outdated_hashes;
    auth::Time now;
    bool clock_synchronized;
    auth::ClockHealth::Counts clock_health;
    MemoryBound memory;
};

std::optional<std::filesystem::path> settings_file(const Options& options)
{
    if (options.config) return options.config;
    std::error_code ignored;
    if (std::filesystem::exists(kDefaultConfigFile, ignored)) return kDefaultConfigFile;
    return std::nullopt;
}

CertificateStatus certificate_status(const Installation& installation)
{
    const auto& configured = installation.settings.tls.certificate;
    CertificateStatus status{.file = configured.value_or(installation.directory.certificate())};
    std::error_code ignored;
    if (!configured && !std::filesystem::exists(status.file, ignored)) {
        status.problem = "not made yet: securelogind makes it when it first starts";
        return status;
    }
    try {
        const auto certificate = read_certificate(status.file);
        status.fingerprint = fingerprint(*certificate);
        status.expires_at = expiry(*certificate);
    } catch (const std::runtime_error& error) {  // the rest is worth telling all the same
        status.problem = printable(error.what());
    }
    return status;
}

/// Accounts whose password hash has other parameters than the settings', until their next login: how long a
/// check takes tells a stranger that they exist (docs/security.md).
std::size_t count_outdated_hashes(const Installation& installation)
{
    const auto accounts = installation.store->open_reader();
    const auto passwords = installation.store->open_reader();
    std::size_t count = 0;
    accounts->for_each_account([&](const auth::Account& account) {
        const auto password = passwords->find_password(account.name);
        if (password && auth::parse_phc(password->phc.view()) != installation.settings.policy.hash) ++count;
    });
    return count;
}

auth::ClockHealth::Counts clock_health(const Installation& installation)
{
    auth::ClockHealth health(installation.settings.policy.totp_window);
    installation.store->open_reader()->for_each_account(
        [&](const auth::Account& account) { health.add(account); });
    return health.counts();
}

/// Of a daemon on this machine.
MemoryBound bound_of(const Settings& settings) { return memory_bound(settings, cores()); }

Picture take(const Options& options)
{
    auto settings = settings_file(options);  // before the rights to look for it may be given up
    const auto installation = open_installation(options, DataDirectory::IfMissing::refuse, Purpose::look);
    const auto now = auth::SystemClock().now();
    const auto kept = store::read_kept_keys(installation.directory.database(), installation.keys);
    return {.settings = std::move(settings),
            .data_directory = installation.directory.path(),
            .database = installation.directory.database(),
            .master_key = installation.directory.master_key(),
            .master_key_id = auth::key_id_text(kept.key_id),
            .rotation_unfinished = kept.retiring || installation.keys().size() > 1,
            .certificate = certificate_status(installation),
            .store = installation.store->open_reader()->summary(installation.settings.policy.sessions, now),
            .outdated_hashes = count_outdated_hashes(installation),
            .now = now,
            .clock_synchronized = clock_synchronized(),
            .clock_health = clock_health(installation),
            .memory = bound_of(installation.settings)};
}

std::string shown(const std::filesystem::path& path) { return printable(path.string()); }

boost::json::value certificate_json(const CertificateStatus& certificate)
{
    boost::json::object object{
        {"file", shown(certificate.file)}, {"fingerprint", nullptr}, {"expires_at", nullptr}};
    if (certificate.expires_at) {
        object["fingerprint"] = certificate.fingerprint;
        object["expires_at"] = auth::to_rfc3339(*certificate.expires_at);
    } else {
        object["problem"] = certificate.problem;
    }
    return object;
}

boost::json::value clock_health_json(const auth::ClockHealth::Counts& counts)
{
    return {{"codes", counts.codes},
            {"current", counts.current},
            {"earlier", counts.earlier},
            {"later", counts.later},
            {"says", describe(counts)}};
}

boost::json::value memory_json(const MemoryBound& bound)
{
    return {{"bytes", bound.total()},
            {"base", bound.base},
            {"hash_arenas", bound.hash_arenas},
            {"connections", bound.connections},
            {"handshakes", bound.handshakes},
            {"hash_queue", bound.hash_queue},
            {"tables", bound.tables}};
}

boost::json::value to_json(const Picture& picture)
{
    boost::json::value settings = nullptr;
    if (picture.settings) settings = shown(*picture.settings);
    return {{"version", SECURELOGIN_VERSION},
            {"settings", settings},
            {"data_directory", shown(picture.data_directory)},
            {"database", shown(picture.database)},
            {"schema_version", picture.store.schema_version},
            {"master_key", shown(picture.master_key)},
            {"master_key_id", picture.master_key_id},
            {"rotation_unfinished", picture.rotation_unfinished},
            {"certificate", certificate_json(picture.certificate)},
            {"users", picture.store.users},
            {"disabled", picture.store.disabled},
            {"outdated_hashes", picture.outdated_hashes},
            {"sessions", picture.store.sessions},
            {"clock", auth::to_rfc3339(picture.now)},
            {"clock_synchronized", picture.clock_synchronized},
            {"clock_health", clock_health_json(picture.clock_health)},
            {"memory_bound", memory_json(picture.memory)}};
}

std::string memory_text(const MemoryBound& bound)
{
    constexpr std::uint64_t mib = 1U << 20U;
    const auto rounded_up = [](std::uint64_t bytes) { return (bytes + mib - 1) / mib; };
    return fmt::format(
        "memory-bound {} MiB (base {}, hash arenas {}, connections {}, handshakes {}, hash queue {}, "
        "tables {}), with the doors of the settings\n",
        rounded_up(bound.total()), rounded_up(bound.base), rounded_up(bound.hash_arenas),
        rounded_up(bound.connections), rounded_up(bound.handshakes), rounded_up(bound.hash_queue),
        rounded_up(bound.tables));
}

std::string certificate_text(const CertificateStatus& certificate)
{
    if (!certificate.expires_at)
        return fmt::format("certificate {} ({})\n", shown(certificate.file), certificate.problem);
    return fmt::format(
        "certificate {}\n"
        "fingerprint {}\n"
        "certificate-expires {}\n",
        shown(certificate.file), certificate.fingerprint, auth::to_rfc3339(*certificate.expires_at));
}

std::string to_text(const Picture& picture)
{
    return fmt::format("version " SECURELOGIN_VERSION
                       "\n"
                       "settings {}\n"
                       "data-directory {}\n"
                       "database {}\n"
                       "schema-version {}\n"
                       "master-key {}\n"
                       "master-key-id {}{}\n"
                       "{}"
                       "users {}\n"
                       "disabled {}\n"
                       "outdated-hashes {}\n"
                       "sessions {}\n"
                       "clock {}\n"
                       "clock-synchronized {}\n"
                       "clock-health {}\n"
                       "{}",
                       picture.settings ? shown(*picture.settings) : "(defaults)",
                       shown(picture.data_directory), shown(picture.database), picture.store.schema_version,
                       shown(picture.master_key), picture.master_key_id,
                       picture.rotation_unfinished ? " (its rotation is unfinished: key rotate)" : "",
                       certificate_text(picture.certificate), picture.store.users, picture.store.disabled,
                       picture.outdated_hashes, picture.store.sessions, auth::to_rfc3339(picture.now),
                       picture.clock_synchronized ? "yes" : "no", describe(picture.clock_health),
                       memory_text(picture.memory));
}

}  // namespace

void run(const Options& options, const Status&, Output& output)
{
    const auto picture = take(options);
    if (!options.json) return output.write(to_text(picture));
    output.write_json(to_json(picture));
    output.write("\n");
}

}  // namespace securelogin::admin
