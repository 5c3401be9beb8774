#include "bench/raw_hash/rate.hpp"

#include <barrier>
#include <thread>
#include <vector>

#include "bench/support/cpu_time.hpp"

namespace securelogin::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kMillisecondsPerSecond = 1000;

struct Tally {
    std::size_t pieces = 0;
    std::chrono::duration<double> took{0};
};

Tally repeat(const std::function<void()>& piece, std::chrono::duration<double> seconds)
{
    Tally tally;
    const auto begin = Clock::now();
    while (tally.took < seconds) {
        piece();
        ++tally.pieces;
        tally.took = Clock::now() - begin;
    }
    return tally;
}

}  // namespace

Rate measure_rate(std::size_t threads, std::chrono::duration<double> seconds,
                  const std::function<std::function<void()>()>& worker)
{
    std::vector<Tally> tallies(threads);
    CpuTime cpu{0};
    std::barrier ready(static_cast<std::ptrdiff_t>(threads), [&cpu]() noexcept { cpu -= own_cpu_time(); });
    std::barrier done(static_cast<std::ptrdiff_t>(threads), [&cpu]() noexcept { cpu += own_cpu_time(); });
    {
        std::vector<std::jthread> running;
        for (auto& tally : tallies) {
            running.emplace_back([&] {
                const auto piece = worker();
                piece();  // the first one warms up
                ready.arrive_and_wait();
                tally = repeat(piece, seconds);
                done.arrive_and_wait();
            });
        }
    }
    Rate rate;
    std::size_t pieces = 0;
    for (const auto& tally : tallies) {
        rate.per_second += static_cast<double>(tally.pieces) / tally.took.count();
        pieces += tally.pieces;
    }
    rate.cpu_milliseconds = cpu.count() * kMillisecondsPerSecond / static_cast<double>(pieces);
    return rate;
}

void print(std::ostream& out, const Rate& rate)
{
    out << R"({"per_second": )" << rate.per_second << R"(, "cpu_ms": )" << rate.cpu_milliseconds << "}\n";
}

}  // namespace securelogin::bench
