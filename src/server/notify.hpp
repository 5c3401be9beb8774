// notify.hpp: the service manager is told how the daemon is doing (sd_notify(3): one datagram to
// $NOTIFY_SOCKET).
#pragma once

#include <string_view>

namespace securelogin {

/// `READY=1`, `RELOADING=1`, `STOPPING=1`.  Does nothing where no service manager listens.  Any thread.
void notify_service_manager(std::string_view state) noexcept;

}  // namespace securelogin
