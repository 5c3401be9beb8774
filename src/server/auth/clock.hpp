// clock.hpp: time and chance, handed in: nothing else in the domain asks the machine for either.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

namespace securelogin::auth {

using Time = std::chrono::sys_seconds;  // UTC

class Clock {
  public:
    virtual ~Clock() = default;
    /// Any thread.
    [[nodiscard]] virtual Time now() const noexcept = 0;
};

class Random {
  public:
    virtual ~Random() = default;
    /// Fills with bytes that nobody can predict.  Any thread.  Throws when the machine has none to give.
    virtual void fill(std::span<std::uint8_t> bytes) = 0;
};

/// The machine's clock and the system's CSPRNG.
class SystemClock final : public Clock {
  public:
    [[nodiscard]] Time now() const noexcept override;
};

class SystemRandom final : public Random {
  public:
    void fill(std::span<std::uint8_t> bytes) override;
};

/// 63 random bits: never negative.
[[nodiscard]] std::int64_t random_id(Random& random);

}  // namespace securelogin::auth
