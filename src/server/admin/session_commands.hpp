// session_commands.hpp: the commands about sessions and tokens, each a run() as commands.hpp says.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// Those that stand, one a line, or one JSON array; bounded memory whatever their number.
void run(const Options& options, const SessionList& command, Output& output);
/// Throws Failure (ExitCode::no_such_user) when there is no such user, or no such session of theirs.
void run(const Options& options, const SessionRevoke& command, Output& output);
/// One line of JSON (token_answer.hpp), whatever the options.  Throws Failure (ExitCode::not_valid) after a
/// no.
void run(const Options& options, const SessionVerify& command, Output& output);

}  // namespace securelogin::admin
