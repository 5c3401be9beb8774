#include "bench/load/distribution.hpp"

#include <algorithm>

namespace securelogin::bench {

double Distribution::quantile(double share) const
{
    if (durations_.empty()) return 0;
    auto sorted = durations_;
    std::ranges::sort(sorted);
    const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
    return std::chrono::duration<double, std::milli>(sorted[at]).count();
}

std::ostream& operator<<(std::ostream& out, const Distribution& distribution)
{
    return out << R"({"count": )" << distribution.size() << R"(, "p50": )" << distribution.quantile(0.5)
               << R"(, "p90": )" << distribution.quantile(0.9) << R"(, "p99": )"
               << distribution.quantile(0.99) << R"(, "max": )" << distribution.quantile(1) << '}';
}

}  // namespace securelogin::bench
