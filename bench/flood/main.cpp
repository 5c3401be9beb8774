// bench_flood: real users who log in at a steady rate, first in peace, then under a flood of wrong logins,
// then after it.  Prints what became of each, for bench/flood.py to judge.
//
// Phases: `prepare`, in which the users become known; then, for each flood, `quiet`, and `flood`, whose
// logins after `flood_over` show how soon all is well again.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <list>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/flood/flood.hpp"
#include "bench/flood/login.hpp"
#include "bench/flood/report.hpp"

namespace securelogin::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::uint64_t kSeed = 20240229;       // the same arrivals in every run
constexpr std::size_t kPreparedAtOnce = 8;      // logins
constexpr std::chrono::seconds kToPrepare{60};  // one login: nobody is in the way

struct Options {
    std::uint16_t port = 0;
    bool pages = false;
    pid_t server = 0;
    UserNumber users = 0;             // enrolled
    UserNumber regulars = 0;          // of them, of each kind
    double rate = 0;                  // real logins a second, of all kinds together
    double quiet = 0;                 // seconds
    double flood = 0;                 // seconds
    double after = 0;                 // seconds
    int patience = 15;                // seconds
    std::vector<std::string> floods;  // SOURCES:RATE
};

Clock::duration duration_of(double seconds)
{
    return std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
}

class Visits {
  public:
    Visits(const Options& options, Target& target) : options_(options), target_(target)
    {
        UserNumber first = 0;
        for (const auto kind : kKinds) {
            regulars_.emplace_back(kind, first, options.regulars);
            first += options.regulars;
        }
    }

    /// Everybody who is to be known logs in once.
    void prepare()
    {
        tell("prepare");
        asio::io_context io(1);
        for (auto& regulars : regulars_) {
            if (regulars.kind() == Kind::stranger) continue;
            std::size_t left = options_.regulars;
            for (std::size_t at_once = 0; at_once < kPreparedAtOnce; ++at_once)
                asio::co_spawn(io, introduce(regulars, left), rethrow);
            io.run();
            io.restart();
        }
    }

    void in_peace()
    {
        asio::io_context io(1);
        const auto begin = Clock::now();
        tell("quiet");
        spawn_arrivals(io, "quiet", begin, begin + duration_of(options_.quiet));
        io.run();
    }

    void under(FloodPlan plan)
    {
        asio::io_context io(1);
        plan.begin = Clock::now();
        plan.end = plan.begin + duration_of(options_.flood);
        plan.users_from = 3 * options_.regulars;
        plan.users_to = options_.users;
        tell("flood_begins");
        const CpuTimes before{.server = cpu_time_of(options_.server), .own = own_cpu_time()};
        CpuTimes used;
        std::optional<Flood> flood(std::in_place, target_, plan);
        FloodTally tally;
        asio::steady_timer over(io, plan.end);
        over.async_wait([&](const boost::system::error_code&) {
            used = {.server = cpu_time_of(options_.server) - before.server,
                    .own = own_cpu_time() - before.own};
            tally = flood->finish();
            flood.reset();
            tell("flood_over");
        });
        spawn_arrivals(io, "flood", plan.begin, plan.end + duration_of(options_.after));
        io.run();
        tell(tally, options_.flood, used);
    }

  private:
    static void rethrow(const std::exception_ptr& error)
    {
        if (error) std::rethrow_exception(error);
    }

    asio::awaitable<void> introduce(Regulars& regulars, std::size_t& left)
    {
        while (left > 0) {
            --left;
            const auto person = regulars.next();
            const auto login = co_await log_in_patiently(target_, regulars.supply(), person, kToPrepare);
            if (!login.in) throw std::runtime_error(name_of(person.user) + " cannot log in: " + login.why);
        }
    }

    void spawn_arrivals(asio::io_context& io, std::string_view phase, Clock::time_point begin,
                        Clock::time_point end)
    {
        for (auto& regulars : regulars_) asio::co_spawn(io, arrive(io, regulars, phase, begin, end), rethrow);
    }

    /// One after the other at random intervals (a Poisson process), whatever has become of those before.
    asio::awaitable<void> arrive(asio::io_context& io, Regulars& regulars, std::string_view phase,
                                 Clock::time_point begin, Clock::time_point end)
    {
        asio::steady_timer timer(io);
        std::mt19937_64 chance(kSeed + static_cast<std::uint64_t>(regulars.kind()));
        std::exponential_distribution<double> interval(options_.rate / static_cast<double>(kKinds.size()));
        for (auto at = begin + duration_of(interval(chance)); at < end; at += duration_of(interval(chance))) {
            timer.expires_at(at);
            co_await timer.async_wait(asio::use_awaitable);
            asio::co_spawn(io, visit(regulars, phase, begin), rethrow);
        }
    }

    asio::awaitable<void> visit(Regulars& regulars, std::string_view phase, Clock::time_point begin)
    {
        const Seconds start = Clock::now() - begin;
        const auto person = regulars.next();
        const std::chrono::seconds patience(options_.patience);
        const auto login = co_await log_in_patiently(target_, regulars.supply(), person, patience);
        tell(phase, regulars.kind(), start.count(), login);
    }

    const Options& options_;
    Target& target_;
    std::list<Regulars> regulars_;
};

FloodPlan parse_flood(const std::string& text)
{
    std::size_t colon = 0;
    FloodPlan plan;
    plan.sources = static_cast<std::uint32_t>(std::stoul(text, &colon));
    if (colon >= text.size() || text[colon] != ':' || plan.sources < 1 || plan.sources > 65'000)
        throw std::runtime_error("reading --flood " + text + ": it is SOURCES:LOGINS_PER_SECOND");
    plan.logins_per_second = std::stod(text.substr(colon + 1));
    return plan;
}

void measure(const Options& options)
{
    if (options.users <= 3 * options.regulars)
        throw std::runtime_error("too few users: the flood tries others than those who log in");
    Target target("127.0.0.1", options.port, true, options.pages ? Door::pages : Door::lines);
    Visits visits(options, target);
    visits.prepare();
    for (const auto& flood : options.floods) {
        const auto plan = parse_flood(flood);
        if (options.quiet > 0) visits.in_peace();
        visits.under(plan);
    }
    tell("end");
}

}  // namespace
}  // namespace securelogin::bench

int main(int argc, char** argv)
{
    try {
        securelogin::bench::Options options;
        CLI::App app("real users under a flood of wrong logins", "bench_flood");
        app.add_option("--port", options.port)->required();
        app.add_flag("--pages", options.pages, "the port serves browsers");
        app.add_option("--server", options.server, "its process id")->required();
        app.add_option("--users", options.users, "as many as bench_enrol was told")->required();
        app.add_option("--regulars", options.regulars, "users of each kind who log in")->required();
        app.add_option("--rate", options.rate, "real logins a second")->required();
        app.add_option("--quiet", options.quiet, "seconds before each flood")->required();
        app.add_option("--flood-for", options.flood, "seconds")->required();
        app.add_option("--after", options.after, "seconds")->required();
        app.add_option("--patience", options.patience, "a person's, in seconds")->capture_default_str();
        app.add_option("--flood", options.floods, "SOURCES:LOGINS_PER_SECOND; may be given again")
            ->required();
        CLI11_PARSE(app, argc, argv);
        std::signal(SIGPIPE, SIG_IGN);
        securelogin::bench::measure(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_flood: " << error.what() << '\n';
        return 1;
    }
}
