// rate.hpp: the same work on every core until the time is up, counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <ostream>

namespace securelogin::bench {

struct Rate {
    double per_second = 0;        // all threads together
    double cpu_milliseconds = 0;  // of one piece of work
};

/// `worker` is called once on each thread and gives what that thread then repeats.  A thread counts only
/// pieces that it has finished, over the time that it took for them.
[[nodiscard]] Rate measure_rate(std::size_t threads, std::chrono::duration<double> seconds,
                                const std::function<std::function<void()>()>& worker);

/// One JSON object on one line.
void print(std::ostream& out, const Rate& rate);

}  // namespace securelogin::bench
