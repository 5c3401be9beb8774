// bench_raw_hash: the raw rate of the project's password check, one thread a core.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <memory>
#include <thread>

#include "bench/raw_hash/rate.hpp"
#include "bench/support/population.hpp"
#include "server/auth/hash_arena.hpp"
#include "server/auth/password_hash.hpp"

namespace securelogin::bench {
namespace {

void require(bool matches)
{
    if (!matches) throw std::runtime_error("checking the password: no match");
}

Rate measure(std::size_t threads, double seconds, bool arenas, const auth::HashParameters& hash)
{
    const auto password = Secret::copy_of(kPassword);
    const auto phc = auth::hash_password(password, hash);
    return measure_rate(threads, std::chrono::duration<double>(seconds), [&]() -> std::function<void()> {
        const auto arena = arenas ? std::make_shared<auth::HashArena>(hash) : nullptr;
        return [&, arena] { require(auth::verify_password(password, phc.view())); };
    });
}

}  // namespace
}  // namespace securelogin::bench

int main(int argc, char** argv)
{
    try {
        std::size_t threads = std::thread::hardware_concurrency();
        double seconds = 1;
        bool without_arenas = false;
        securelogin::auth::HashParameters hash;
        CLI::App app("the raw rate of the project's password check", "bench_raw_hash");
        app.add_option("--threads", threads, "default: one a core");
        app.add_option("--seconds", seconds);
        app.add_flag("--without-arenas", without_arenas, "memory from the system for each hash");
        app.add_option("--memory-kib", hash.memory_kib)->capture_default_str();
        app.add_option("--passes", hash.passes)->capture_default_str();
        CLI11_PARSE(app, argc, argv);
        securelogin::bench::print(std::cout,
                                  securelogin::bench::measure(threads, seconds, !without_arenas, hash));
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_raw_hash: " << error.what() << '\n';
        return 1;
    }
}
