// startup_error.hpp: what a refusal says.
#pragma once

#include <string>
#include <utility>

#include "server/config.hpp"

namespace securelogin {

/// The message of the StartupError that `call` throws; what no StartupError says where it throws none.
template <typename Call>
[[nodiscard]] std::string refusal_of(Call&& call)
{
    try {
        std::forward<Call>(call)();
    } catch (const StartupError& error) {
        return error.what();
    }
    return "(accepted)";
}

}  // namespace securelogin
