#include "server/admin/commands.hpp"

#include <variant>

#include "server/admin/audit_commands.hpp"
#include "server/admin/backup_commands.hpp"
#include "server/admin/device_commands.hpp"
#include "server/admin/doctor.hpp"
#include "server/admin/export_commands.hpp"
#include "server/admin/import_command.hpp"
#include "server/admin/invitation_commands.hpp"
#include "server/admin/key_commands.hpp"
#include "server/admin/policy.hpp"
#include "server/admin/reports.hpp"
#include "server/admin/session_commands.hpp"
#include "server/admin/status.hpp"
#include "server/admin/user_commands.hpp"

namespace securelogin::admin {

void run(const Options& options, Output& output)
{
    std::visit([&](const auto& command) { run(options, command, output); }, options.command);
    output.flush();
}

}  // namespace securelogin::admin
