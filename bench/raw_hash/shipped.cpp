// bench_raw_hash_shipped: the raw rate of libsodium as the distribution ships it, one thread a core.
#include <sodium.h>

#include <CLI/CLI.hpp>
#include <array>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "bench/raw_hash/rate.hpp"

namespace {

constexpr std::string_view kPassword = "correct horse battery staple";
constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemory = std::size_t{19456} * 1024;  // bytes

void require(int result)
{
    if (result != 0) throw std::runtime_error("hashing or checking the password: out of memory, or no match");
}

securelogin::bench::Rate measure(std::size_t threads, double seconds)
{
    std::array<char, crypto_pwhash_argon2id_STRBYTES> phc{};
    require(crypto_pwhash_argon2id_str(phc.data(), kPassword.data(), kPassword.size(), kPasses, kMemory));
    return securelogin::bench::measure_rate(
        threads, std::chrono::duration<double>(seconds), [&]() -> std::function<void()> {
            return [&] {
                require(crypto_pwhash_argon2id_str_verify(phc.data(), kPassword.data(), kPassword.size()));
            };
        });
}

}  // namespace

int main(int argc, char** argv)
{
    try {
        std::size_t threads = std::thread::hardware_concurrency();
        double seconds = 1;
        CLI::App app("the raw rate of libsodium's password check as shipped", "bench_raw_hash_shipped");
        app.add_option("--threads", threads, "default: one a core");
        app.add_option("--seconds", seconds);
        CLI11_PARSE(app, argc, argv);
        if (sodium_init() < 0) throw std::runtime_error("starting libsodium");
        securelogin::bench::print(std::cout, measure(threads, seconds));
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_raw_hash_shipped: " << error.what() << '\n';
        return 1;
    }
}
