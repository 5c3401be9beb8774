#include "fault_injector.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace securelogin::attack {
namespace {

// The calls that ask come from everywhere, the dynamic loader included: there is nobody to hand it down.
constinit std::atomic<Control*> control = nullptr;

/// By system calls: the library's functions are ours.
[[gnu::constructor]] void attach() noexcept
{
    const char* const file = std::getenv("SECURELOGIN_FAULTS");
    if (file == nullptr) return;
    const auto descriptor = ::syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) std::abort();  // a test that injects nothing would pass
    const auto address =
        ::syscall(SYS_mmap, nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (address == -1) std::abort();
    ::syscall(SYS_close, descriptor);
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    control.store(reinterpret_cast<Control*>(address));
}

}  // namespace

bool fails(Call call) noexcept
{
    auto* const shared = control.load();
    if (shared == nullptr || call == Call::none) return false;
    const auto number = static_cast<std::size_t>(call);
    ++shared->counts[number];
    if (shared->armed != static_cast<std::int64_t>(number)) return false;
    const auto seen = ++shared->seen;
    const auto first = shared->first.load();
    const auto times = shared->times.load();
    if (seen < first || (times != 0 && seen >= first + times)) return false;
    ++shared->failed;
    errno = static_cast<int>(shared->error.load());
    return true;
}

std::int64_t clock_offset() noexcept
{
    const auto* const shared = control.load();
    return shared == nullptr ? 0 : shared->clock_offset.load();
}

}  // namespace securelogin::attack
