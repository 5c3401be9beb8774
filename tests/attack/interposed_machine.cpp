// The C library's functions for memory, sockets, chance and the time of day: each may be made to fail
// (fault_injector.hpp), and the clock to be ahead or behind.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

#include "interposed.hpp"

using namespace securelogin::attack;

namespace {

void* map(void* address, std::size_t size, int protection, int flags, int descriptor, off_t offset)
{
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return reinterpret_cast<void*>(
        ask(Call::map, SYS_mmap, address, size, protection, flags, descriptor, offset));
}

}  // namespace

extern "C" {

// ---- what glibc's malloc.h does not promise to keep, and has kept for twenty years ----

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept { return fails(Call::alloc) ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) noexcept
{
    return fails(Call::alloc) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept
{
    return fails(Call::alloc) ? nullptr : __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    return fails(Call::alloc) ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept
{
    auto* const allocated = aligned_alloc(alignment, size);
    if (allocated == nullptr) return ENOMEM;
    *memory = allocated;
    return 0;
}

// ---- sockets ----

int accept4(int socket, sockaddr* address, socklen_t* size, int flags)
{
    return static_cast<int>(ask(Call::accept, SYS_accept4, socket, address, size, flags));
}
int accept(int socket, sockaddr* address, socklen_t* size) { return accept4(socket, address, size, 0); }
ssize_t recvmsg(int socket, msghdr* message, int flags)
{
    return ask(Call::receive, SYS_recvmsg, socket, message, flags);
}
ssize_t recvfrom(int socket, void* data, std::size_t size, int flags, sockaddr* from, socklen_t* from_size)
{
    return ask(Call::receive, SYS_recvfrom, socket, data, size, flags, from, from_size);
}
ssize_t recv(int socket, void* data, std::size_t size, int flags)
{
    return recvfrom(socket, data, size, flags, nullptr, nullptr);
}
ssize_t sendmsg(int socket, const msghdr* message, int flags)
{
    return ask(Call::send, SYS_sendmsg, socket, message, flags);
}
ssize_t sendto(int socket, const void* data, std::size_t size, int flags, const sockaddr* to,
               socklen_t to_size)
{
    return ask(Call::send, SYS_sendto, socket, data, size, flags, to, to_size);
}
ssize_t send(int socket, const void* data, std::size_t size, int flags)
{
    return sendto(socket, data, size, flags, nullptr, 0);
}

// ---- the rest ----

void* mmap(void* address, std::size_t size, int protection, int flags, int descriptor, off_t offset) noexcept
{
    return map(address, size, protection, flags, descriptor, offset);
}
void* mmap64(void* address, std::size_t size, int protection, int flags, int descriptor,
             off64_t offset) noexcept
{
    return map(address, size, protection, flags, descriptor, offset);
}
ssize_t getrandom(void* data, std::size_t size, unsigned flags)
{
    return ask(Call::random, SYS_getrandom, data, size, flags);
}

int clock_gettime(clockid_t clock, timespec* time) noexcept
{
    const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
    const bool of_day = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (result == 0 && of_day) time->tv_sec += clock_offset();
    return result;
}
int gettimeofday(timeval* time, void*) noexcept
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}
std::time_t time(std::time_t* out) noexcept
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) *out = now.tv_sec;
    return now.tv_sec;
}
}
