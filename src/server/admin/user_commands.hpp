// user_commands.hpp: the commands that change an account, each a run() as commands.hpp says.
#pragma once

#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

void run(const Options& options, const UserAdd& command, Output& output);
void run(const Options& options, const UserDisable& command, Output& output);
void run(const Options& options, const UserEnable& command, Output& output);
void run(const Options& options, const UserRemove& command, Output& output);
void run(const Options& options, const UserPasswd& command, Output& output);
void run(const Options& options, const UserResetTotp& command, Output& output);

}  // namespace securelogin::admin
