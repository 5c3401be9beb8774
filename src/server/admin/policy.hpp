// policy.hpp: `securelogin-admin policy explain`, a run() as commands.hpp says: the rules for failures in
// force, and what they leave to somebody who guesses.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

void run(const Options& options, const PolicyExplain& command, Output& output);

}  // namespace securelogin::admin
