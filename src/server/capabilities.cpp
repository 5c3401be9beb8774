#include "server/capabilities.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "server/startup_error.hpp"

namespace securelogin {
namespace {

using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

__user_cap_header_struct ourselves() noexcept { return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0}; }

bool has_none() noexcept
{
    auto header = ourselves();
    Sets sets{};
    return ::syscall(SYS_capget, &header, sets.data()) == 0 &&
           std::all_of(sets.begin(), sets.end(), [](const auto& set) {
               return set.effective == 0 && set.permitted == 0 && set.inheritable == 0;
           });
}

}  // namespace

void drop_capabilities()
{
    // The bounding set first, which only who has CAP_SETPCAP can change.  The kernel knows how many there
    // are.
    for (unsigned long number = 0; ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; ++number) {
        ::prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
    }
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    auto header = ourselves();
    const Sets none{};
    const bool dropped = ::syscall(SYS_capset, &header, none.data()) == 0;
    if (dropped && has_none()) return;
    throw StartupError(std::string("giving up capabilities: ") + std::strerror(errno) +
                       ": run this as an ordinary user");
}

}  // namespace securelogin
