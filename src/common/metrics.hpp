// metrics.hpp: what is counted while the program works: counters and histograms without locks.
//
// Adding costs one or two relaxed atomic additions and never blocks, so that it may stand on the way of every
// login.  A reading taken meanwhile may lack what is being added, but never goes back.  Any thread.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace securelogin {

class Counter {
  public:
    void add(std::uint64_t number = 1) noexcept { value_.fetch_add(number, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_ = 0;
};

/// How often values fell into ranges.  A range ends with its bound, which belongs to it; the last has none.
class Histogram {
  public:
    static constexpr std::size_t kMostBounds = 15;

    /// REQUIRES: at most kMostBounds, each larger than the one before.
    Histogram(std::initializer_list<std::uint64_t> bounds) noexcept
        : size_(std::min(bounds.size(), kMostBounds))
    {
        std::copy_n(bounds.begin(), size_, bounds_.begin());
    }

    void add(std::uint64_t value) noexcept
    {
        const auto known = bounds();
        const auto range = std::ranges::lower_bound(known, value) - known.begin();
        ranges_.at(static_cast<std::size_t>(range)).add();
        sum_.add(value);
    }
    /// In microseconds; what is negative is nought.
    void add(std::chrono::steady_clock::duration time) noexcept
    {
        const auto count = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
        add(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)));
    }

    [[nodiscard]] std::span<const std::uint64_t> bounds() const noexcept
    {
        return std::span(bounds_).first(size_);
    }
    /// Of the range that ends with bounds()[number], or of the last.  REQUIRES: number <= bounds().size().
    [[nodiscard]] std::uint64_t in_range(std::size_t number) const { return ranges_.at(number).value(); }
    [[nodiscard]] std::uint64_t sum() const noexcept { return sum_.value(); }

  private:
    std::array<std::uint64_t, kMostBounds> bounds_ = {};
    std::size_t size_;
    std::array<Counter, kMostBounds + 1> ranges_ = {};
    Counter sum_;
};

}  // namespace securelogin
