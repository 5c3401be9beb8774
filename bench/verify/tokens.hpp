// tokens.hpp: the made-up tokens of a benchmark.
//
// Everything about one follows from its number, so that the program that gives them to sessions and the
// program that asks about them need nothing from each other.  Pure; any thread.
#pragma once

#include <cstdint>

#include "common/secret.hpp"

namespace securelogin::bench {

[[nodiscard]] Secret token_of(std::uint32_t number);

}  // namespace securelogin::bench
