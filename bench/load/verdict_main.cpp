// bench_verdict: how long the verdict takes for somebody whose password has long been hashed when the code
// comes.
//
// One user at a time.  What the verdict is held against is measured between the logins, each after the same
// pause, so that all of them find the machine equally asleep: an empty round trip (HELP), and one durable
// commit of the same store on the same disk.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>

#include "bench/load/distribution.hpp"
#include "bench/load/login.hpp"
#include "bench/load/supply.hpp"
#include "bench/load/target.hpp"
#include "common/reply.hpp"
#include "server/auth/store.hpp"
#include "server/data_directory.hpp"
#include "server/store/sqlite_store.hpp"

namespace securelogin::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause{200};

struct Options {
    std::uint16_t port = 0;
    UserNumber users = 0;
    std::size_t logins = 200;
    std::filesystem::path commits_in;
};

struct Times {
    Distribution verdict;
    Distribution round_trip;
    Distribution commit;
};

asio::awaitable<void> pause()
{
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, kPause);
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> time_login(Target& target, Supply& supply, Times& times)
{
    const auto user = supply.next_user();
    auto stream = co_await target.connect();
    Conversation conversation(std::move(stream));
    co_await be_greeted(conversation);
    co_await give_password(conversation, user);
    auto code = supply.next_code(user, auth::SystemClock().now());
    co_await pause();
    const auto code_sent = Clock::now();
    co_await give_code(conversation, std::move(code));
    times.verdict.add(Clock::now() - code_sent);

    co_await pause();
    std::string help("HELP");
    const auto help_sent = Clock::now();
    co_await conversation.send(std::move(help));
    co_await conversation.expect(code::kHelp);
    times.round_trip.add(Clock::now() - help_sent);
    co_await quit(conversation);
}

/// A store of its own, beside the server's.
class Commits {
  public:
    explicit Commits(const std::filesystem::path& directory)
        : data_(DataDirectory::open(directory, DataDirectory::IfMissing::refuse)),
          master_(data_.load_master_key(DataDirectory::IfMissing::refuse)),
          store_(store::open_sqlite_store(data_.database(), master_, {}))
    {
    }

    /// One UPDATE and one INSERT.
    void time_one(Times& times)
    {
        std::this_thread::sleep_for(kPause);
        const auto begin = Clock::now();
        auth::transact(*store_, [this](auth::Transaction& transaction) {
            const auto now = auth::SystemClock().now();
            const auto user = transaction.find_account(auth::UserName::parse(name_of(0)).value());
            if (!user || !transaction.spend_step(user->id, ++step_))
                throw std::runtime_error("spending a step: refused");
            transaction.append_audit({.at = now, .event = "benchmark", .outcome = "done", .user = user->id});
        });
        times.commit.add(Clock::now() - begin);
    }

  private:
    DataDirectory data_;
    auth::MasterKey master_;
    std::unique_ptr<auth::Store> store_;
    auth::TimeStep step_ = 0;
};

/// One JSON object on one line.
void measure(const Options& options)
{
    Target target("127.0.0.1", options.port, true);
    Supply supply(options.users);
    Commits commits(options.commits_in);
    Times times;
    for (std::size_t login = 0; login < options.logins; ++login) {
        asio::io_context io(1);
        std::exception_ptr failure;
        asio::co_spawn(io, time_login(target, supply, times),
                       [&failure](const std::exception_ptr& error) { failure = error; });
        io.run();
        if (failure) std::rethrow_exception(failure);
        commits.time_one(times);
    }
    std::cout << R"({"verdict_ms": )" << times.verdict << R"(, "round_trip_ms": )" << times.round_trip
              << R"(, "commit_ms": )" << times.commit << "}\n";
}

}  // namespace
}  // namespace securelogin::bench

int main(int argc, char** argv)
{
    try {
        securelogin::bench::Options options;
        CLI::App app("the time from code to verdict on a running server", "bench_verdict");
        app.add_option("--port", options.port)->required();
        app.add_option("--users", options.users, "as many as bench_enrol was told")->required();
        app.add_option("--logins", options.logins)->capture_default_str();
        app.add_option("--commits-in", options.commits_in,
                       "a data directory of bench_enrol's, on the same disk, that no server uses")
            ->required();
        CLI11_PARSE(app, argc, argv);
        std::signal(SIGPIPE, SIG_IGN);
        securelogin::bench::measure(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_verdict: " << error.what() << '\n';
        return 1;
    }
}
