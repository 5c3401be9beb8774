// import_command.hpp: users out of another program's file, a run() as commands.hpp says.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// Without `apply`, only a report of what would be done.  A report is in `output` also when rows that cannot
/// be imported make it throw Failure (refused).
void run(const Options& options, const Import& command, Output& output);

}  // namespace securelogin::admin
