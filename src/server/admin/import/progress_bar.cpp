#include "server/admin/import/progress_bar.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string>

namespace securelogin::admin {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr std::size_t kWidth = 30;  // cells

std::string time_left(double seconds)
{
    constexpr double minute = 60;
    constexpr double hour = 3600;
    if (seconds < minute) return fmt::format("{:.0f} s", seconds);
    if (seconds < hour) return fmt::format("{:.0f} min", seconds / minute);
    return fmt::format("{:.1f} h", seconds / hour);
}

}  // namespace

ProgressBar::ProgressBar(std::uint64_t size) : shown_(isatty(STDERR_FILENO) == 1), size_(size) {}

ProgressBar::~ProgressBar()
{
    if (drawn_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressBar::begin_again(std::uint64_t size) noexcept
{
    size_ = size;
    begun_ = next_ = Clock::now();
}

void ProgressBar::draw(std::string_view doing, std::uint64_t position, std::uint64_t rows)
{
    const auto now = Clock::now();
    if (!shown_ || now < next_) return;
    next_ = now + kInterval;
    drawn_ = true;
    if (size_ == 0) {
        std::cerr << fmt::format("\r\033[K{} {} rows", doing, rows) << std::flush;
        return;
    }
    const double part = std::min(1.0, static_cast<double>(position) / static_cast<double>(size_));
    const auto filled = static_cast<std::size_t>(part * kWidth);
    const std::chrono::duration<double> spent = now - begun_;
    const auto left = part > 0 ? time_left(spent.count() * (1 - part) / part) : std::string("?");
    std::cerr << fmt::format("\r\033[K{} [{:#<{}}{:.<{}}] {:3.0f} %, {} rows, {} left", doing, "", filled, "",
                             kWidth - filled, part * 100, rows, left)
              << std::flush;
}

}  // namespace securelogin::admin
