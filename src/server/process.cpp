#include "server/process.hpp"

#include <malloc.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstddef>

#include "common/secret.hpp"

namespace securelogin {
namespace {

constexpr std::size_t kSecureHeap = 1U << 20U;  // bytes: passwords and codes of some hundred logins under way
constexpr int kMallocArenas = 2;                // one per thread would cost more memory than it saves time

}  // namespace

bool harden_process()
{
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
    ::umask(S_IRWXG | S_IRWXO);
    std::signal(SIGPIPE, SIG_IGN);
    ::mallopt(M_ARENA_MAX, kMallocArenas);
    return make_secure_heap(kSecureHeap);
}

void prefer_throughput() noexcept
{
    const sched_param none{};
    ::sched_setscheduler(0, SCHED_BATCH, &none);
}

}  // namespace securelogin
