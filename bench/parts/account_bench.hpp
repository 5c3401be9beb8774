// account_bench.hpp: looking accounts up in databases that are there already.
#pragma once

#include <filesystem>

namespace securelogin::bench {

/// One benchmark for each database under `directory`, and for each way to look up.
void register_lookups(const std::filesystem::path& directory);

}  // namespace securelogin::bench
