// serve.hpp: a thread's loop over its handlers, which no handler ends.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>

#include "common/event_log.hpp"

namespace securelogin::net {

/// Runs handlers until `io` is stopped, or has none any more.  What a handler throws is want of memory, and
/// ends what it belonged to, a connection mostly, and nothing else; `recover` is called then, and may throw:
/// it is called again.
void serve(boost::asio::io_context& io, EventLog& log, const std::function<void()>& recover = {}) noexcept;

}  // namespace securelogin::net
