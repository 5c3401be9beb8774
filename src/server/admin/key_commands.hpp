// key_commands.hpp: the master key, each a run() as commands.hpp says.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// A new master key in the place of the present one; goes on where an earlier run was ended.
void run(const Options& options, const KeyRotate& command, Output& output);
/// A line for who keeps the key elsewhere; touches nothing.
void run(const Options& options, const KeyGenerate& command, Output& output);

}  // namespace securelogin::admin
