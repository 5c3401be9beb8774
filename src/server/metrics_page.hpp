// metrics_page.hpp: what is counted, as Prometheus reads it (text exposition format 0.0.4).  Pure; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "server/login/metrics.hpp"
#include "server/net/handshakes.hpp"
#include "server/net/slots.hpp"
#include "server/store/metrics.hpp"
#include "server/store_watch.hpp"

namespace securelogin {

/// What is so now, and not counted.
struct Gauges {
    std::size_t hash_queue = 0;        // places taken
    std::size_t hash_queue_limit = 0;  // places
    net::Slots::Counts connections = {};
    std::uint64_t too_fast = 0;  // so far
    net::Handshakes::Counts handshakes = {};
    StoreWatch::Seen store = {};
    std::uint64_t log_lines_lost = 0;
};

/// Whether refusals are told by their reason.  Whoever may read that learns which guess at a name or password
/// was right.
enum class Reasons { hidden, shown };

[[nodiscard]] std::string metrics_page(const login::Metrics& attempts, const store::Metrics& store,
                                       const Gauges& now, Reasons reasons);

}  // namespace securelogin
