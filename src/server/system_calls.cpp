#include "server/system_calls.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "server/startup_error.hpp"

namespace securelogin {
namespace {

#ifdef SECURELOGIN_SANITIZE
// A sanitizer's runtime has calls of its own, and looks for leaks by tracing us: there, what is not forbidden
// is allowed.
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// Never needed, and what one who has got in would want first: these say EPERM.
constexpr std::string_view kForbidden =
    "execve execveat fork vfork kill process_vm_readv process_vm_writev pidfd_getfd connect bind "
    "listen mount umount2 move_mount open_tree fsopen pivot_root chroot unshare setns bpf "
    "perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key "
    "request_key init_module finit_module delete_module kexec_load kexec_file_load reboot swapon "
    "swapoff setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset "
    "settimeofday clock_settime adjtimex clock_adjtime open_by_handle_at name_to_handle_at chmod "
    "fchmodat chown lchown fchownat truncate symlink symlinkat mknod mknodat setxattr lsetxattr "
    "removexattr lremovexattr ";

/// What Asio, SQLite, OpenSSL and the C library do in a process that serves.  What is in neither list says
/// ENOSYS, so that the C library falls back to what an older kernel has.
constexpr std::string_view kAllowed =
    // files that are open, and our own
    "read write readv writev pread64 pwrite64 preadv pwritev lseek open openat close stat fstat "
    "lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64 getcwd statfs "
    "fstatfs fcntl flock fsync fdatasync ftruncate fallocate fchmod fchown unlink unlinkat rename "
    "renameat renameat2 link linkat mkdir mkdirat umask pipe2 dup dup3 "
    // sockets that are there
    "accept accept4 recvfrom recvmsg sendto sendmsg shutdown getsockname getpeername getsockopt "
    "setsockopt "
    // waiting, and the time
    "epoll_create1 epoll_ctl epoll_wait epoll_pwait poll ppoll select pselect6 eventfd2 "
    "timerfd_create timerfd_settime nanosleep clock_nanosleep clock_gettime clock_getres "
    "gettimeofday time "
    // memory
    "brk munmap mremap madvise mlock mlock2 munlock msync getrandom "
    // threads and signals of our own
    "futex set_robust_list rseq membarrier sched_yield sched_getaffinity gettid exit exit_group "
    "restart_syscall rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait sigaltstack wait4 "
    "waitid "
    // who and where we are
    "getpid getppid getuid geteuid getgid getegid getresuid getresgid getgroups uname sysinfo "
    "getrusage times getrlimit getpriority ";

/// A call that this machine's architecture does not have is a number of libseccomp's own.
std::vector<int> numbers_of(std::string_view names)
{
    std::istringstream words{std::string(names)};
    std::vector<int> numbers;
    for (std::string name; words >> name;) {
        numbers.push_back(seccomp_syscall_resolve_name(name.c_str()));
        if (numbers.back() != __NR_SCMP_ERROR) continue;
        throw StartupError("confining this process: libseccomp does not know " + name +
                           ": set process.confine to \"off\"");
    }
    return numbers;
}

struct FreeFilter {
    void operator()(void* filter) const noexcept { seccomp_release(filter); }
};

class Filter {
  public:
    Filter() : filter_(seccomp_init(kSanitized ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS)))
    {
        if (!filter_) throw std::bad_alloc();
    }

    void forbid(int call, const std::vector<scmp_arg_cmp>& when = {})
    {
        add(SCMP_ACT_ERRNO(EPERM), call, when);
    }
    void allow(int call, const std::vector<scmp_arg_cmp>& when = {})
    {
        if (!kSanitized) add(SCMP_ACT_ALLOW, call, when);
    }

    /// 0, or why not.
    [[nodiscard]] int load()
    {
        must(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1));     // threads that run already, too
        must(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));  // a tree, not a list
        return -seccomp_load(filter_.get());
    }

  private:
    void add(std::uint32_t action, int call, const std::vector<scmp_arg_cmp>& when)
    {
        must(seccomp_rule_add_array(filter_.get(), action, call, static_cast<unsigned>(when.size()),
                                    when.data()));
    }
    static void must(int result)
    {
        if (result == 0) return;
        throw StartupError(
            fmt::format("confining this process: making the filter of system calls: {}: set process.confine "
                        "to \"off\"",
                        std::strerror(-result)));
    }

    std::unique_ptr<void, FreeFilter> filter_;
};

scmp_arg_cmp equals(unsigned argument, std::uint64_t value)
{
    return {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}
scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value)
{
    return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

/// What is allowed with these arguments only.
void allow_some(Filter& filter)
{
    constexpr std::uint64_t socket_type = 0xF;            // without SOCK_CLOEXEC and SOCK_NONBLOCK
    constexpr std::uint64_t name_of_memory = 0x53564d41;  // PR_SET_VMA
    // The service manager is told by datagram (sd_notify(3)).
    filter.forbid(SCMP_SYS(socket), {{.arg = 0, .op = SCMP_CMP_NE, .datum_a = AF_UNIX, .datum_b = 0}});
    filter.allow(SCMP_SYS(socket), {equals(0, AF_UNIX), masked(1, socket_type, SOCK_DGRAM)});
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) filter.allow(call, {masked(2, PROT_EXEC, 0)});
    // clone3() hides its flags behind a pointer; without it, the C library takes clone().
    filter.allow(SCMP_SYS(clone), {masked(0, CLONE_THREAD, CLONE_THREAD)});
    filter.allow(SCMP_SYS(tgkill), {equals(0, static_cast<std::uint64_t>(::getpid()))});  // abort()
    for (const std::uint64_t request :
         {std::uint64_t{FIONBIO}, std::uint64_t{FIONREAD}, std::uint64_t{TCGETS}}) {
        filter.allow(SCMP_SYS(ioctl), {equals(1, request)});
    }
    for (const std::uint64_t option :
         {std::uint64_t{PR_SET_NAME}, std::uint64_t{PR_GET_NAME}, name_of_memory}) {
        filter.allow(SCMP_SYS(prctl), {equals(0, option)});
    }
    filter.allow(SCMP_SYS(prlimit64), {equals(2, 0)});  // asked, not set
}

}  // namespace

bool restrict_system_calls()
{
    Filter filter;
    for (const int call : numbers_of(kForbidden)) filter.forbid(call);
    if (!kSanitized) filter.forbid(SCMP_SYS(ptrace));
    for (const int call : numbers_of(kAllowed)) filter.allow(call);
    allow_some(filter);
    const int error = filter.load();
    if (error == 0) return true;
    if (error == EINVAL || error == ENOSYS || error == EPERM || error == EACCES) return false;
    throw StartupError(
        fmt::format("confining this process: filtering system calls: {}: set process.confine "
                    "to \"off\"",
                    std::strerror(error)));
}

}  // namespace securelogin
