#include "server/admin/installation.hpp"

#include <utility>

#include "server/admin/terminal.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::admin {

Installation open_installation(const Options& options, DataDirectory::IfMissing if_missing)
{
    using IfNoFile = store::SqliteOptions::IfMissing;
    auto settings = read_settings(options.config);
    auto directory =
        DataDirectory::open(DataDirectory::choose(options.data, settings), if_missing, settings.process.user);
    auto keys = directory.master_keys(if_missing);
    const auto if_no_file = if_missing == DataDirectory::IfMissing::make ? IfNoFile::make : IfNoFile::refuse;

    const SignalsHeld held;  // for the writer's thread
    auto store = store::open_sqlite_store(directory.database(), keys, {.if_missing = if_no_file});
    return {std::move(settings), std::move(directory), std::move(keys), std::move(store)};
}

}  // namespace securelogin::admin
