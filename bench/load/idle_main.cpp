// bench_idle: holds connections open that do nothing, until its standard input ends.
//
// Says `ready` when all are there: asked for a user name, or logged in.
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <boost/asio/co_spawn.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <list>
#include <optional>
#include <string>

#include "bench/load/login.hpp"
#include "bench/load/supply.hpp"
#include "bench/load/target.hpp"

namespace securelogin::bench {
namespace {

namespace asio = boost::asio;

struct Options {
    std::uint16_t port = 0;
    bool plain = false;
    std::size_t connections = 0;
    UserNumber log_in_of = 0;  // users; 0: nobody logs in
    std::size_t skip = 0;
};

void raise_descriptor_limit()
{
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

asio::awaitable<void> open_all(Target& target, Supply* supply, std::size_t count,
                               std::list<Conversation>& open)
{
    while (open.size() < count) {
        auto stream = co_await target.connect();
        auto& conversation = open.emplace_back(std::move(stream));
        co_await be_greeted(conversation);
        if (supply == nullptr) continue;
        const auto user = supply->next_user();
        co_await give_password(conversation, user);
        auto code = supply->next_code(user, auth::SystemClock().now());
        co_await give_code(conversation, std::move(code));
    }
}

void hold(const Options& options)
{
    raise_descriptor_limit();
    asio::io_context io(1);
    Target target("127.0.0.1", options.port, !options.plain);
    std::optional<Supply> supply;
    if (options.log_in_of > 0) supply.emplace(options.log_in_of, options.skip);
    std::list<Conversation> open;
    std::exception_ptr failure;
    asio::co_spawn(io, open_all(target, supply ? &*supply : nullptr, options.connections, open),
                   [&io, &failure](const std::exception_ptr& error) {
                       failure = error;
                       io.stop();  // what is open has deadlines that are still to come
                   });
    io.run();
    if (failure) std::rethrow_exception(failure);
    std::cout << "ready" << std::endl;
    std::string ignored;
    while (std::getline(std::cin, ignored)) {
    }
}

}  // namespace
}  // namespace securelogin::bench

int main(int argc, char** argv)
{
    try {
        securelogin::bench::Options options;
        CLI::App app("holds idle connections to a running server", "bench_idle");
        app.add_option("--port", options.port)->required();
        app.add_flag("--plain", options.plain, "the port serves no TLS");
        app.add_option("--connections", options.connections)->required();
        app.add_option("--log-in-of", options.log_in_of, "log in, one after the other, as users of so many");
        app.add_option("--skip", options.skip, "so many users, who have logged in just now");
        CLI11_PARSE(app, argc, argv);
        std::signal(SIGPIPE, SIG_IGN);
        securelogin::bench::hold(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_idle: " << error.what() << '\n';
        return 1;
    }
}
