// totp_bench.cpp: a code held against the three steps of its window.
#include <benchmark/benchmark.h>

#include "bench/support/population.hpp"
#include "server/auth/totp.hpp"

namespace securelogin::bench {
namespace {

void MatchCode(benchmark::State& state)
{
    constexpr auth::TimeStep step = 59'000'000;
    constexpr int window = 1;
    const auto secret = totp_secret_of(0);
    const auto code = code_of(0, step);
    const auth::TotpParameters parameters;
    const auth::Time now{step * parameters.period};
    for ([[maybe_unused]] const auto _ : state) {
        const auto match = auth::match_code(secret, parameters, code, now, window, step - 1);
        if (match.step != step) state.SkipWithError("no match");
    }
}

BENCHMARK(MatchCode);

}  // namespace
}  // namespace securelogin::bench
