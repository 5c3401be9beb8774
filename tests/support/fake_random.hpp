// fake_random.hpp: chance that repeats itself.  Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <mutex>
#include <random>
#include <span>

#include "server/auth/clock.hpp"

namespace securelogin::support {

class FakeRandom final : public auth::Random {
  public:
    explicit FakeRandom(std::uint64_t seed = 1) : generator_(seed) {}

    /// The bytes that are drawn next, before the generator's own: to make two draws alike, say.
    void draw_next(std::initializer_list<std::uint8_t> bytes)
    {
        const std::lock_guard lock(mutex_);
        scripted_.insert(scripted_.end(), bytes);
    }

    void fill(std::span<std::uint8_t> bytes) override
    {
        const std::lock_guard lock(mutex_);
        for (auto& byte : bytes) byte = next();
    }

  private:
    std::uint8_t next()
    {
        if (scripted_.empty()) return static_cast<std::uint8_t>(generator_() >> 24U);
        const auto byte = scripted_.front();
        scripted_.pop_front();
        return byte;
    }

    std::mutex mutex_;
    std::mt19937_64 generator_;
    std::deque<std::uint8_t> scripted_;
};

}  // namespace securelogin::support
