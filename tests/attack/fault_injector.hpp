// fault_injector.hpp: which call of the program fails next, as the test that has started it wants it.
//
// For LD_PRELOAD (interposed_files.cpp, interposed_machine.cpp).  Test and program share a small file, named
// by SECURELOGIN_FAULTS; injector.py is the other side of it.  It is mapped when the library is loaded,
// before the program confines itself.  Without it nothing fails.  Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace securelogin::attack {

/// What can fail.  The numbers are injector.py's.
enum class Call : std::uint8_t {
    none,
    write,    // to a file
    send,     // to a socket
    sync,     // fsync, fdatasync
    open,     // to open or make a file
    accept,   // a connection
    read,     // from a file
    receive,  // from a socket
    alloc,    // malloc and its like
    map,      // mmap
    size,     // ftruncate, fallocate
    random,   // getrandom
    lock,     // of a file, by fcntl
    name,     // rename, link, unlink, mkdir
};
inline constexpr std::size_t kCalls = 16;  // with room for more

/// The file: 64-bit words, in this order.
struct Control {
    std::atomic<std::int64_t> armed;         // a Call; nought: nothing fails.  Written last
    std::atomic<std::int64_t> first;         // the how manieth of these calls is the first to fail, from 1
    std::atomic<std::int64_t> times;         // how many fail; nought: all from then on
    std::atomic<std::int64_t> error;         // errno
    std::atomic<std::int64_t> seen;          // of these calls, since they were armed
    std::atomic<std::int64_t> failed;        // of these
    std::atomic<std::int64_t> clock_offset;  // seconds that CLOCK_REALTIME is ahead of the machine's
    std::array<std::atomic<std::int64_t>, kCalls> counts;  // all calls, by Call
};
static_assert(sizeof(Control) == (7 + kCalls) * sizeof(std::int64_t));

/// Counts the call; true, with errno set, when it is to fail.
[[nodiscard]] bool fails(Call call) noexcept;

/// Seconds to add to the time of day.
[[nodiscard]] std::int64_t clock_offset() noexcept;

}  // namespace securelogin::attack
