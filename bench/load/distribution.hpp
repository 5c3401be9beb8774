// distribution.hpp: how long things took, many times over.
#pragma once

#include <chrono>
#include <ostream>
#include <vector>

namespace securelogin::bench {

class Distribution {
  public:
    using Duration = std::chrono::steady_clock::duration;

    void add(Duration duration) { durations_.push_back(duration); }
    [[nodiscard]] std::size_t size() const noexcept { return durations_.size(); }
    /// Milliseconds that `share` (0 to 1) of all did not exceed; 0 when there are none.
    [[nodiscard]] double quantile(double share) const;

  private:
    std::vector<Duration> durations_;
};

/// `{"count": .., "p50": .., "p90": .., "p99": .., "max": ..}`, in milliseconds.
std::ostream& operator<<(std::ostream& out, const Distribution& distribution);

}  // namespace securelogin::bench
