// report.hpp: what bench_flood tells: JSON objects, one a line, each as soon as it is known.
#pragma once

#include <chrono>
#include <string_view>

#include "bench/flood/flood.hpp"
#include "bench/flood/login.hpp"
#include "bench/support/cpu_time.hpp"

namespace securelogin::bench {

/// The moment at which something begins or ends: `{"event": "quiet"}`.  Flushed: the reader looks at the
/// clock.
void tell(std::string_view event);

/// `start`: seconds from the phase's beginning.
void tell(std::string_view phase, Kind kind, double start, const Login& login);

struct CpuTimes {
    CpuTime server{0};
    CpuTime own{0};  // the real users' share included
};

/// `seconds`: for which the flood was to last.
void tell(const FloodTally& tally, double seconds, const CpuTimes& used);

}  // namespace securelogin::bench
