// socket.hpp: a TCP connection to a destination.
#pragma once

#include <chrono>

#include "client/destination.hpp"
#include "client/file_descriptor.hpp"

namespace securelogin::client {

/// Tries each of the host's addresses in the resolver's order, each for at most `patience`.
/// The socket does not block.  Throws Failure (unavailable) that says what became of the last address.
[[nodiscard]] FileDescriptor connect_to(const Destination& destination, std::chrono::milliseconds patience);

}  // namespace securelogin::client
