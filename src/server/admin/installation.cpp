#include "server/admin/installation.hpp"

#include <utility>

#include "server/admin/terminal.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::admin {

Location open_location(const Options& options, DataDirectory::IfMissing if_missing, DirectoryLock::As as)
{
    auto settings = read_settings(options.config);
    auto directory =
        DataDirectory::open(DataDirectory::choose(options.data, settings), if_missing, settings.process.user);
    DirectoryLock lock(directory.path(), as);
    return {std::move(settings), std::move(directory), std::move(lock)};
}

Installation open_installation(const Options& options, DataDirectory::IfMissing if_missing, Purpose purpose)
{
    using Store = store::SqliteOptions;
    auto [settings, directory, lock] = open_location(options, if_missing);
    auto keys = directory.master_keys(if_missing);
    const auto if_no_file =
        if_missing == DataDirectory::IfMissing::make ? Store::IfMissing::make : Store::IfMissing::refuse;
    const auto if_older = purpose == Purpose::look ? Store::IfOlder::refuse : Store::IfOlder::migrate;

    const SignalsHeld held;  // for the writer's thread
    auto store = store::open_sqlite_store(directory.database(), keys,
                                          {.if_missing = if_no_file, .if_older = if_older});
    return {std::move(settings), std::move(directory), std::move(lock), std::move(keys), std::move(store)};
}

}  // namespace securelogin::admin
