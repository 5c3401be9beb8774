// installation.hpp: what every command works on: settings, data directory, master keys, database.
#pragma once

#include <memory>

#include "server/admin/options.hpp"
#include "server/auth/master_key.hpp"
#include "server/auth/store.hpp"
#include "server/config.hpp"
#include "server/data_directory.hpp"
#include "server/directory_lock.hpp"

namespace securelogin::admin {

/// Where everything is, and the right to be at work there.
struct Location {
    Settings settings;
    DataDirectory directory;
    DirectoryLock lock;
};

struct Installation {
    Settings settings;
    DataDirectory directory;
    DirectoryLock lock;
    auth::MasterKeySource keys;
    std::unique_ptr<auth::Store> store;
};

/// What a command is going to do: `look` never changes the schema (store::OlderSchema is thrown).
enum class Purpose { change, look };

/// Settings, directory and lock, and nothing of the database or the keys.  As open_installation().  Throws
/// StartupError.
[[nodiscard]] Location open_location(const Options& options, DataDirectory::IfMissing if_missing,
                                     DirectoryLock::As as = DirectoryLock::As::program);

/// The one that `options` name.  As root, the process has become the data directory's owner when this
/// returns. Throws StartupError, auth::StoreError.
[[nodiscard]] Installation open_installation(const Options& options, DataDirectory::IfMissing if_missing,
                                             Purpose purpose = Purpose::change);

}  // namespace securelogin::admin
