#include "bench/parts/account_bench.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <stdexcept>
#include <string>

#include "bench/support/population.hpp"
#include "server/auth/store.hpp"
#include "server/data_directory.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::bench {
namespace {

/// Shared by all benchmarks of one database.
struct Database {
    explicit Database(const std::filesystem::path& directory)
        : data(DataDirectory::open(directory, DataDirectory::IfMissing::refuse)),
          store(store::open_sqlite_store(data.database(),
                                         data.load_master_key(DataDirectory::IfMissing::refuse), {})),
          reader(store->open_reader()),
          users(static_cast<UserNumber>(std::stoul(directory.filename().string())))
    {
    }

    [[nodiscard]] auth::UserName anybody()
    {
        return auth::UserName::parse(name_of(std::uniform_int_distribution<UserNumber>(0, users - 1)(random)))
            .value();
    }

    DataDirectory data;
    std::unique_ptr<auth::Store> store;
    std::unique_ptr<auth::Reader> reader;
    UserNumber users;
    std::minstd_rand random;
};

template <auto look_up>
void time_look_up(benchmark::State& state, Database& database)
{
    for ([[maybe_unused]] const auto _ : state) {
        const auto found = ((*database.reader).*look_up)(database.anybody());
        if (!found) throw std::runtime_error("looking up a made-up user: not found");
        benchmark::DoNotOptimize(found);
    }
}

}  // namespace

void register_lookups(const std::filesystem::path& directory)
{
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const auto database = std::make_shared<Database>(entry.path());
        const auto among = "/among:" + std::to_string(database->users);
        benchmark::RegisterBenchmark(("FindPassword" + among).c_str(), [database](benchmark::State& state) {
            time_look_up<&auth::Reader::find_password>(state, *database);
        });
        benchmark::RegisterBenchmark(("FindAccount" + among).c_str(), [database](benchmark::State& state) {
            time_look_up<&auth::Reader::find_account>(state, *database);
        });
    }
}

}  // namespace securelogin::bench
