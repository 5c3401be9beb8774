#include "server/system_calls.hpp"

#include <fmt/format.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <sched.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
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
constexpr std::array kForbidden{
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(kill),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(capset),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(chown),
    SCMP_SYS(lchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(truncate),
    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(setxattr),
    SCMP_SYS(lsetxattr),
    SCMP_SYS(removexattr),
    SCMP_SYS(lremovexattr),
};

/// What Asio, SQLite, OpenSSL and the C library do in a process that serves.  What is in neither list says
/// ENOSYS, so that the C library falls back to what an older kernel has.
constexpr std::array kAllowed{
    // files that are open, and our own
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(close),
    SCMP_SYS(stat),
    SCMP_SYS(fstat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchown),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(umask),
    SCMP_SYS(pipe2),
    SCMP_SYS(dup),
    SCMP_SYS(dup3),
    // sockets that are there
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    // waiting, and the time
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    // memory
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    SCMP_SYS(msync),
    SCMP_SYS(getrandom),
    // threads and signals of our own
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    // who and where we are
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getgroups),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(times),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getpriority),
};

struct FreeFilter {
    void operator()(void* filter) const noexcept { seccomp_release(filter); }
};

class Filter {
  public:
    Filter() : filter_(seccomp_init(kSanitized ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS)))
    {
        if (!filter_) throw std::bad_alloc();
    }

    void forbid(int call, std::vector<scmp_arg_cmp> when = {}) { add(SCMP_ACT_ERRNO(EPERM), call, when); }
    void allow(int call, std::vector<scmp_arg_cmp> when = {})
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
    for (const std::uint64_t request : {FIONBIO, FIONREAD, TCGETS}) {
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
    for (const int call : kForbidden) filter.forbid(call);
    if (!kSanitized) filter.forbid(SCMP_SYS(ptrace));
    for (const int call : kAllowed) filter.allow(call);
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
