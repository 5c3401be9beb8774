#include "server/check.hpp"

#include <filesystem>
#include <iostream>

#include "server/alarm_runner.hpp"
#include "server/config.hpp"
#include "server/data_directory.hpp"
#include "server/listeners.hpp"
#include "server/net/tls.hpp"
#include "server/ownership.hpp"
#include "server/password_settings.hpp"
#include "server/service_factory.hpp"
#include "server/site_factory.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin {
namespace {

/// Besides key and certificate.
void check_named_files(const Settings& settings)
{
    if (!settings.alarms.command.empty()) require_runnable(settings.alarms.command);
    [[maybe_unused]] const auto rules = password_rules(settings);
    [[maybe_unused]] const auto logo = read_logo(settings);
}

/// An older schema is good, and is left as it is.
int check_database(const DataDirectory& data, const auth::MasterKeySource& keys)
try {
    [[maybe_unused]] const auto store =
        store::open_sqlite_store(data.database(), keys, {.if_older = store::SqliteOptions::IfOlder::refuse});
    std::cerr << "securelogind: settings, key, certificate and database are good\n";
    return 0;
} catch (const store::OlderSchema& older) {
    std::cerr << "securelogind: settings, key and certificate are good; " << older.what() << '\n';
    return 0;
}

}  // namespace

int check(const DaemonOptions& options)
{
    const auto settings = settings_for(options);
    [[maybe_unused]] const auto places = places_of(settings);
    const auto path = DataDirectory::choose(options.data, settings);
    if (!std::filesystem::exists(path)) {
        check_named_files(settings);
        std::cerr << "securelogind: settings are good; " << path.string()
                  << " will be made at the first start\n";
        return 0;
    }
    const auto data = DataDirectory::open(path, DataDirectory::IfMissing::refuse, settings.process.user);
    const auto files = tls_files(settings, data);
    if (settings.tls.certificate || std::filesystem::exists(files.certificate)) {
        require_private(files.key);
        [[maybe_unused]] const auto context = net::make_server_context(files, settings.tls.allow_tls12);
    }
    check_named_files(settings);
    if (std::filesystem::exists(data.database()) || std::filesystem::exists(data.master_key())) {
        const auto keys = data.master_keys(DataDirectory::IfMissing::refuse);
        if (std::filesystem::exists(data.database())) return check_database(data, keys);
    }
    std::cerr << "securelogind: settings, key, certificate and database are good\n";
    return 0;
}

}  // namespace securelogin
