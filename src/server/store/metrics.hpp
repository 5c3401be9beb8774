// metrics.hpp: what the writer counts.  Any thread.
#pragma once

#include "common/metrics.hpp"

namespace securelogin::store {

struct Metrics {
    Histogram commit_time{100,   250,   500,    1000,   2500,   5000, 10000,
                          25000, 50000, 100000, 250000, 1000000};  // microseconds, of what was committed
    Histogram batch{1, 2, 4, 8, 16, 32, 64, 128, 256};             // transactions in a commit
    Counter failed;                                                // transactions that were not kept
    Counter audit_records;                                         // in what was committed
};

}  // namespace securelogin::store
