// doctor.hpp: what is wrong with an installation, and what to do about it.
//
// Looks at everything that it can, whatever is broken, and changes nothing.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// One line a finding; then throws Failure (ExitCode::problems) where there was a problem.
void run(const Options& options, const Doctor& command, Output& output);

}  // namespace securelogin::admin
