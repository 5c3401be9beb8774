// setting_rules.hpp: who may go where on guarded sites, [[web.rule]] in the settings' file.
#pragma once

#include "server/config.hpp"
#include "server/setting_value.hpp"

namespace securelogin {

/// Puts each rule behind those that `settings` has, in the order of the file: the first that fits decides.
/// Throws StartupError.
void read_rules(const SettingValue& value, Settings& settings);

}  // namespace securelogin
