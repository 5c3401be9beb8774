// check.hpp: `securelogind --check`.
#pragma once

#include "server/daemon_options.hpp"

namespace securelogin {

/// Reads everything that a start would read, writes nothing, and tells stderr.  The code to exit with. Throws
/// what a start would throw.
[[nodiscard]] int check(const DaemonOptions& options);

}  // namespace securelogin
