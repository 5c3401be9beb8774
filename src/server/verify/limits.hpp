// limits.hpp: what the door bounds.
#pragma once

#include <cstddef>

namespace securelogin::verify {

inline constexpr std::size_t kMostConnections = 256;  // in all; the next are closed
inline constexpr std::size_t kLongestQuestion = 256;  // octets without the line's end: several times a token

}  // namespace securelogin::verify
