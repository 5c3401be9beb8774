// bench_verify: asks whose tokens they are, over and over, on connections that stay open: at the verify
// socket, by GET /verify or through a proxy; or says the same to what they are held against.
#include <sys/epoll.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/support/cpu_time.hpp"
#include "bench/verify/asker.hpp"

namespace securelogin::bench {
namespace {

const std::map<std::string, const Dialogue*> kDialogues{
    {"verify", &kVerify}, {"echo", &kEcho}, {"guard", &kGuard}, {"site", &kSite}};

struct Options {
    Address address = {};
    std::string dialogue = "verify";
    std::uint32_t tokens = 0;
    unsigned connections = 64;
    unsigned depth = 1;
    unsigned threads = 2;
    double warm_up = 1;
    double seconds = 5;
    pid_t server = 0;
};

/// What all threads see.
struct Run {
    const Options& options;
    const Tokens& tokens;
    const Dialogue& dialogue;
    std::atomic<bool> counting = false;
    std::atomic<bool> over = false;
    std::atomic<std::uint64_t> answers = 0;
    std::atomic<std::uint64_t> failures = 0;
    std::mutex mutex;
    std::exception_ptr failure;  // guarded by mutex
};

using Askers = std::vector<std::unique_ptr<Asker>>;

Askers connect(const Run& run, unsigned thread)
{
    Askers askers;
    for (unsigned number = thread; number < run.options.connections; number += run.options.threads) {
        askers.push_back(std::make_unique<Asker>(run.options.address, run.tokens, run.dialogue, number + 1));
    }
    return askers;
}

int watch(const Askers& askers)
{
    const int watched = ::epoll_create1(EPOLL_CLOEXEC);
    for (const auto& asker : askers) {
        epoll_event event{.events = EPOLLIN, .data = {.ptr = asker.get()}};
        if (::epoll_ctl(watched, EPOLL_CTL_ADD, asker->descriptor(), &event) != 0) {
            throw std::runtime_error("watching a connection");
        }
    }
    return watched;
}

/// Each connection has `depth` questions under way at any time.
void go_round(Run& run, const Askers& askers, int watched)
{
    for (const auto& asker : askers) asker->ask(run.options.depth);
    std::array<epoll_event, 64> events;
    std::uint64_t answers = 0;
    while (!run.over) {
        const int ready = ::epoll_wait(watched, events.data(), events.size(), 100);
        for (int i = 0; i < ready; ++i) {
            auto& asker = *static_cast<Asker*>(events[static_cast<std::size_t>(i)].data.ptr);
            const auto taken = asker.take_answers();
            if (taken > 0) asker.ask(taken);
            if (run.counting.load(std::memory_order_relaxed)) answers += taken;
        }
    }
    run.answers += answers;
}

void ask(Run& run, unsigned thread)
try {
    const auto askers = connect(run, thread);
    const int watched = watch(askers);
    go_round(run, askers, watched);
    ::close(watched);
    for (const auto& asker : askers) run.failures += asker->failures();
} catch (...) {
    const std::lock_guard lock(run.mutex);
    run.failure = std::current_exception();
}

void sleep(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

void measure(const Options& options)
{
    const Tokens tokens(options.tokens);
    Run run{.options = options, .tokens = tokens, .dialogue = *kDialogues.at(options.dialogue)};
    std::vector<std::jthread> threads;
    for (unsigned thread = 0; thread < options.threads; ++thread) {
        threads.emplace_back([&run, thread] { ask(run, thread); });
    }
    sleep(options.warm_up);
    const auto begin = std::chrono::steady_clock::now();
    const auto own = own_cpu_time();
    const auto server = options.server != 0 ? cpu_time_of(options.server) : CpuTime(0);
    run.counting = true;
    sleep(options.seconds);
    run.counting = false;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const auto server_used = options.server != 0 ? cpu_time_of(options.server) - server : CpuTime(0);
    const auto own_used = own_cpu_time() - own;
    run.over = true;
    threads.clear();
    if (run.failure) std::rethrow_exception(run.failure);
    const auto answers = static_cast<double>(run.answers);
    std::cout << "{\"per_second\":" << answers / took.count() << ",\"failures\":" << run.failures
              << ",\"server_cpu_us\":" << server_used.count() * 1e6 / answers
              << ",\"client_cpu_us\":" << own_used.count() * 1e6 / answers << "}\n";
}

}  // namespace
}  // namespace securelogin::bench

int main(int argc, char** argv)
{
    try {
        securelogin::bench::Options options;
        CLI::App app("asks about tokens over and over", "bench_verify");
        app.add_option("--socket", options.address.socket);
        app.add_option("--port", options.address.port, "of loopback");
        app.add_option("--tokens", options.tokens, "how many there are")->required();
        app.add_option("--dialogue", options.dialogue, "what is said")
            ->check(CLI::IsMember(securelogin::bench::kDialogues));
        app.add_option("--connections", options.connections);
        app.add_option("--depth", options.depth, "questions under way on each");
        app.add_option("--threads", options.threads);
        app.add_option("--warm-up", options.warm_up);
        app.add_option("--seconds", options.seconds);
        app.add_option("--server", options.server, "its process id: its processor time is told");
        CLI11_PARSE(app, argc, argv);
        securelogin::bench::measure(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_verify: " << error.what() << '\n';
        return 1;
    }
}
