#include "bench/load/clients.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

#include "bench/load/browser.hpp"
#include "bench/load/login.hpp"

namespace securelogin::bench {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

void Clients::start(std::size_t connections)
{
    for (std::size_t client = 0; client < connections; ++client) {
        asio::co_spawn(io_, log_in_again_and_again(), asio::detached);
    }
}

void Clients::reset_counts()
{
    failures_ = 0;
    first_failure_.clear();
    whole_ = {};
    verdict_ = {};
}

asio::awaitable<void> Clients::log_in_again_and_again()
{
    while (!stopping_) {
        try {
            co_await log_in();
        } catch (const std::exception& error) {
            if (failures_++ == 0) first_failure_ = error.what();
        }
    }
}

asio::awaitable<void> Clients::log_in()
{
    const auto begin = Clock::now();
    const auto user = supply_.next_user();
    auto stream = co_await target_.connect();
    if (target_.door() == Door::lines) {
        co_await talk(std::move(stream), user);
    } else {
        co_await browse(std::move(stream), user);
    }
    whole_.add(Clock::now() - begin);
}

asio::awaitable<void> Clients::talk(Stream stream, UserNumber user)
{
    Conversation conversation(std::move(stream));
    co_await be_greeted(conversation);
    co_await give_password(conversation, user);
    auto code = supply_.next_code(user, auth::SystemClock().now());
    const auto code_sent = Clock::now();
    co_await give_code(conversation, std::move(code));
    verdict_.add(Clock::now() - code_sent);
    co_await quit(conversation);
}

asio::awaitable<void> Clients::browse(Stream stream, UserNumber user)
{
    Browser browser(std::move(stream), target_.port());
    co_await browser.load_login_page();
    auto code = supply_.next_code(user, auth::SystemClock().now());
    const auto submitted = Clock::now();
    co_await browser.submit(user, std::move(code));
    verdict_.add(Clock::now() - submitted);
    co_await browser.leave();
}

}  // namespace securelogin::bench
