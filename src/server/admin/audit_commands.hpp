// audit_commands.hpp: the commands that read the audit, each a run() as commands.hpp says.  Bounded memory
// whatever its size.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// One line a record, or one JSON array; oldest first.
void run(const Options& options, const AuditShow& command, Output& output);
/// Throws Failure (ExitCode::tampered) that names the first record that is not as it was written; with JSON,
/// it is in the output as well.
void run(const Options& options, const AuditVerify& command, Output& output);
/// One JSON object a line.
void run(const Options& options, const AuditExport& command, Output& output);

}  // namespace securelogin::admin
