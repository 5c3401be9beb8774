// retry.hpp: when to come again, for who is told 450 for no fault of theirs.
#pragma once

#include <chrono>

namespace securelogin::login {

inline constexpr std::chrono::seconds kRetryWhenBusy{2};
inline constexpr std::chrono::seconds kRetryWhenBroken{5};

}  // namespace securelogin::login
