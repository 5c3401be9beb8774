// bench_logins: complete logins per second, from as many connections at once as asked for.
#include <CLI/CLI.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <exception>
#include <iostream>

#include "bench/load/clients.hpp"
#include "bench/support/cpu_time.hpp"

namespace securelogin::bench {
namespace {

struct Options {
    std::uint16_t port = 0;
    bool plain = false;
    bool pages = false;
    UserNumber users = 0;
    std::size_t skip = 0;
    std::size_t connections = 64;
    double warm_up = 2;
    double seconds = 10;
    pid_t server = 0;
};

using Seconds = std::chrono::duration<double>;

void run_for(boost::asio::io_context& io, double seconds)
{
    io.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(Seconds(seconds)));
}

/// One JSON object on one line.
void measure(const Options& options)
{
    constexpr double ms = 1000;
    constexpr double cool_down = 30;  // for logins under way to end: no slower, or it is a failure
    boost::asio::io_context io(1);
    Target target("127.0.0.1", options.port, !options.plain, options.pages ? Door::pages : Door::lines);
    Supply supply(options.users, options.skip);
    Clients clients(io, target, supply);
    clients.start(options.connections);
    run_for(io, options.warm_up);
    const auto early_failures = clients.failures();
    if (early_failures > 0) throw std::runtime_error("warming up: " + clients.first_failure());

    clients.reset_counts();
    const auto begin = std::chrono::steady_clock::now();
    const auto server_before = cpu_time_of(options.server);
    const auto own_before = own_cpu_time();
    run_for(io, options.seconds);
    const auto logins = static_cast<double>(clients.logins());
    const Seconds took = std::chrono::steady_clock::now() - begin;
    const auto server = cpu_time_of(options.server) - server_before;
    const auto own = own_cpu_time() - own_before;
    std::cout << R"({"logins": )" << logins << R"(, "per_second": )" << logins / took.count()
              << R"(, "server_cpu_ms": )" << server.count() * ms / logins << R"(, "client_cpu_ms": )"
              << own.count() * ms / logins << R"(, "verdict_ms": )" << clients.verdict()
              << R"(, "whole_ms": )" << clients.whole();

    clients.stop();
    run_for(io, cool_down);
    if (!io.stopped()) throw std::runtime_error("logins under way did not end");
    std::cout << R"(, "used": )" << supply.used() << R"(, "failures": )" << clients.failures() << "}\n";
    if (clients.failures() > 0)
        std::cerr << "bench_logins: first failure: " << clients.first_failure() << '\n';
}

}  // namespace
}  // namespace securelogin::bench

int main(int argc, char** argv)
{
    try {
        securelogin::bench::Options options;
        CLI::App app("complete logins per second on a running server", "bench_logins");
        app.add_option("--port", options.port)->required();
        app.add_flag("--plain", options.plain, "the port serves no TLS");
        app.add_flag("--pages", options.pages, "the port serves browsers");
        app.add_option("--users", options.users, "as many as bench_enrol was told")->required();
        app.add_option("--skip", options.skip, "so many users, who have logged in just now");
        app.add_option("--connections", options.connections)->capture_default_str();
        app.add_option("--warm-up", options.warm_up, "seconds")->capture_default_str();
        app.add_option("--seconds", options.seconds)->capture_default_str();
        app.add_option("--server", options.server, "its process id")->required();
        CLI11_PARSE(app, argc, argv);
        std::signal(SIGPIPE, SIG_IGN);
        securelogin::bench::measure(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_logins: " << error.what() << '\n';
        return 1;
    }
}
