// expect.hpp: what a fuzz target holds to be true of every input.
#pragma once

#include <cstdlib>

namespace securelogin::fuzz {

/// Ends the run with this input as the finding when `holds` is false; assert() would be gone in some builds.
inline void expect(bool holds)
{
    if (!holds) std::abort();
}

}  // namespace securelogin::fuzz
