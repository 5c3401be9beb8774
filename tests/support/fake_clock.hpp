// fake_clock.hpp: time that stands still until a test moves it.  Any thread.
#pragma once

#include <atomic>
#include <chrono>

#include "server/auth/clock.hpp"

namespace securelogin::support {

/// 2026-06-01 12:00:00 UTC: a moment like any other for tests that need one.
inline constexpr auth::Time kNoon{std::chrono::seconds(1'780'315'200)};

class FakeClock final : public auth::Clock {
  public:
    explicit FakeClock(auth::Time start = kNoon) : seconds_(start.time_since_epoch().count()) {}

    [[nodiscard]] auth::Time now() const noexcept override
    {
        return auth::Time(std::chrono::seconds(seconds_));
    }
    void set(auth::Time time) noexcept { seconds_ = time.time_since_epoch().count(); }
    /// Backwards, too.
    void advance(std::chrono::seconds by) noexcept { seconds_ += by.count(); }

  private:
    std::atomic<std::chrono::seconds::rep> seconds_;
};

}  // namespace securelogin::support
