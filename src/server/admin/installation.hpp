// installation.hpp: what every command works on: settings, data directory, master keys, database.
#pragma once

#include <memory>

#include "server/admin/options.hpp"
#include "server/auth/master_key.hpp"
#include "server/auth/store.hpp"
#include "server/config.hpp"
#include "server/data_directory.hpp"

namespace securelogin::admin {

struct Installation {
    Settings settings;
    DataDirectory directory;
    auth::MasterKeySource keys;
    std::unique_ptr<auth::Store> store;
};

/// The one that `options` name.  As root, the process has become the data directory's owner when this
/// returns. Throws StartupError, auth::StoreError.
[[nodiscard]] Installation open_installation(const Options& options, DataDirectory::IfMissing if_missing);

}  // namespace securelogin::admin
