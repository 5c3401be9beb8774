// line_bench.cpp: octets to lines, and replies to octets.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string_view>

#include "common/line.hpp"
#include "common/reply.hpp"

namespace securelogin::bench {
namespace {

/// The three answers of a login, as they arrive from a client that does not wait for the prompts.
constexpr std::string_view kAnswers = "alice\r\ncorrect horse battery staple\r\n492039\r\n";
constexpr int kLines = 3;

void ThreeLines(benchmark::State& state)
{
    for ([[maybe_unused]] const auto _ : state) {
        LineBuffer buffer;
        std::ranges::copy(kAnswers, buffer.space().begin());
        buffer.received(kAnswers.size());
        for (int line = 0; line < kLines; ++line) benchmark::DoNotOptimize(buffer.next());
    }
}

void FormatLoggedIn(benchmark::State& state)
{
    const Reply reply{.code = code::kLoggedIn,
                      .text = "Login successful",
                      .facts = {{"user", "alice"},
                                {"session", "6f1c0a52"},
                                {"expires", "2026-11-22T20:15:04Z"},
                                {"last-login", "2026-11-21T08:00:12Z 192.0.2.7"}}};
    for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize(to_wire(reply));
}

BENCHMARK(ThreeLines);
BENCHMARK(FormatLoggedIn);

}  // namespace
}  // namespace securelogin::bench
