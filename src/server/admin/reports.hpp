// reports.hpp: the commands that show accounts, each a run() as commands.hpp says.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// One line a user, or one JSON array; bounded memory whatever their number.
void run(const Options& options, const UserList& command, Output& output);
/// `key value` a line, or one JSON object.
void run(const Options& options, const UserShow& command, Output& output);

}  // namespace securelogin::admin
