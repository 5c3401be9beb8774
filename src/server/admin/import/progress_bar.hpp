// progress_bar.hpp: how far it is, for a person: one line on stderr, where that is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace securelogin::admin {

class ProgressBar {
  public:
    /// `size`: the position at the end; nought where it cannot be told.
    explicit ProgressBar(std::uint64_t size);
    /// Takes the line away.
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    /// Draws ten times a second at most.
    void draw(std::string_view doing, std::uint64_t position, std::uint64_t rows);
    /// From here on positions run to `size`.
    void begin_again(std::uint64_t size) noexcept;

  private:
    using Clock = std::chrono::steady_clock;
    const bool shown_;
    bool drawn_ = false;
    std::uint64_t size_;
    Clock::time_point begun_ = Clock::now();
    Clock::time_point next_ = begun_;
};

}  // namespace securelogin::admin
