// cpu_time.hpp: how much processor time a process has used, user and system, all its threads.
#pragma once

#include <sys/types.h>

#include <chrono>

namespace securelogin::bench {

using CpuTime = std::chrono::duration<double>;  // seconds

[[nodiscard]] CpuTime own_cpu_time();
/// Another process's, to the kernel's tick (10 ms).  Throws std::runtime_error when there is none such.
[[nodiscard]] CpuTime cpu_time_of(pid_t process);

}  // namespace securelogin::bench
