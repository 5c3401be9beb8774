// export_commands.hpp: accounts on their way elsewhere, and opened there; each a run() as commands.hpp says.
//
// One JSON object a line, in the order of names; bounded memory whatever their number. docs/administration.md
// has the fields.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// Sealed (sealed_export.hpp) unless told otherwise.  In the audit before anything leaves.
void run(const Options& options, const Export& command, Output& output);
/// Needs no data directory.  On stdout, what was written before a Failure (ExitCode::refused) is not to be
/// used; a file is there whole, or not at all.
void run(const Options& options, const Unseal& command, Output& output);

}  // namespace securelogin::admin
