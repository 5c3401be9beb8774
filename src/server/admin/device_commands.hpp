// device_commands.hpp: the command that forgets devices, a run() as commands.hpp says.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

/// Sessions stay: who is logged in from the device stays so until the session ends.
void run(const Options& options, const UserForgetDevice& command, Output& output);

}  // namespace securelogin::admin
