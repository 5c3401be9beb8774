// seal_bench.cpp: AES-256-GCM around a password hash, as the database keeps it.
#include <benchmark/benchmark.h>

#include "server/store/seal.hpp"

namespace securelogin::bench {
namespace {

constexpr std::string_view kPhc =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
constexpr store::SealedPlace kPlace{
    .table = "users", .column = "password_hash", .user_id = 42, .user_name = "alice"};

void Seal(benchmark::State& state)
{
    const store::Sealer sealer(auth::MasterKey(Secret(auth::MasterKey::kSize)));
    const auto phc = Secret::copy_of(kPhc);
    for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize(sealer.seal(phc, kPlace));
}

void Open(benchmark::State& state)
{
    const store::Sealer sealer(auth::MasterKey(Secret(auth::MasterKey::kSize)));
    const auto sealed = sealer.seal(Secret::copy_of(kPhc), kPlace);
    for ([[maybe_unused]] const auto _ : state) benchmark::DoNotOptimize(sealer.open(sealed, kPlace));
}

BENCHMARK(Seal);
BENCHMARK(Open);

}  // namespace
}  // namespace securelogin::bench
