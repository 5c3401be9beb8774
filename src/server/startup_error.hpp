// startup_error.hpp: why a program cannot start.
#pragma once

#include <stdexcept>

namespace securelogin {

/// One line: what was being done, the file or address, the reason, the remedy.
class StartupError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace securelogin
