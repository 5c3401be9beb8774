// hash_bench.cpp: one password check on one thread, with the thread's arena and without.
#include <benchmark/benchmark.h>

#include "bench/support/population.hpp"
#include "server/auth/hash_arena.hpp"
#include "server/auth/password_hash.hpp"

namespace securelogin::bench {
namespace {

void verify(benchmark::State& state)
{
    const auto password = Secret::copy_of(kPassword);
    const auto phc = auth::hash_password(password, {});
    for ([[maybe_unused]] const auto _ : state) {
        const bool matches = auth::verify_password(password, phc.view());
        if (!matches) state.SkipWithError("no match");
    }
}

void VerifyPasswordOnArena(benchmark::State& state)
{
    const auth::HashArena arena({});
    verify(state);
}

void VerifyPasswordWithoutArena(benchmark::State& state) { verify(state); }

BENCHMARK(VerifyPasswordOnArena)->Unit(benchmark::kMillisecond);
BENCHMARK(VerifyPasswordWithoutArena)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace securelogin::bench
