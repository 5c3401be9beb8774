// bench_parts: what each part of a login costs.  Takes Google Benchmark's options.
//
// Works in a temporary directory of its own under the current one: run it on the disk that is to be measured.
// Databases for the look-ups are named by --lookups=DIRECTORY: data directories of bench_enrol's, each called
// by its number of users.
#include <benchmark/benchmark.h>

#include <cstring>
#include <exception>
#include <iostream>
#include <string_view>

#include "bench/parts/account_bench.hpp"

int main(int argc, char** argv)
{
    try {
        constexpr std::string_view option = "--lookups=";
        for (int at = 1; at < argc; ++at) {
            if (std::string_view(argv[at]).starts_with(option)) {
                securelogin::bench::register_lookups(argv[at] + option.size());
                argv[at][0] = '\0';
            }
        }
        int left = 1;
        for (int at = 1; at < argc; ++at) {
            if (argv[at][0] != '\0') argv[left++] = argv[at];
        }
        argc = left;
        benchmark::Initialize(&argc, argv);
        if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
        benchmark::RunSpecifiedBenchmarks();
        benchmark::Shutdown();
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_parts: " << error.what() << '\n';
        return 1;
    }
}
