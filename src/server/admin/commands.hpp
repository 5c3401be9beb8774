// commands.hpp: does what the command line asks for.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// Results are in `output`, flushed, when this returns.  Throws Failure, StartupError, auth::StoreError, and
/// what the standard library throws; what was to be changed has then not been changed, or the message says
/// that it has.
void run(const Options& options, Output& output);

}  // namespace securelogin::admin
