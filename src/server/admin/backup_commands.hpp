// backup_commands.hpp: the database copied elsewhere, and put back; each a run() as commands.hpp says.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// While the daemon runs.  The file is there whole and durable when this returns, or not at all.
void run(const Options& options, const Backup& command, Output& output);
/// Throws DirectoryBusy while a daemon or another program is at work there; then, and on every other failure,
/// the database is what it was.
void run(const Options& options, const Restore& command, Output& output);

}  // namespace securelogin::admin
