// status.hpp: `securelogin-admin status`, a run() as commands.hpp says: where things are and whether they are
// well.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

void run(const Options& options, const Status& command, Output& output);

}  // namespace securelogin::admin
