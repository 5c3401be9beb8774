#include "bench/flood/login.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "bench/load/login.hpp"
#include "common/reply.hpp"

namespace securelogin::bench {
namespace asio = boost::asio;
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRetryWhenShut{1};  // nothing was said, or no number of seconds

/// What one try has come to.
struct Try {
    bool in = false;
    bool refused = false;
    std::chrono::seconds retry_after = kRetryWhenShut;
    bool has_code = false;  // one that was given and not judged
    std::string why = {};
};

Try judge(const Answer& answer)
{
    Try result{.in = answer.code == code::kLoggedIn, .refused = answer.code == code::kRefused};
    result.has_code = answer.code == code::kTryLater;
    if (result.has_code) result.retry_after = answer.retry_after;
    if (!result.in) result.why = answer.last;
    return result;
}

asio::awaitable<Try> try_once(const Target& target, Supply& supply, const Person& person,
                              Clock::time_point until, bool has_code)
{
    Try result{.has_code = has_code};
    try {
        const Visit visit{.source = person.source, .device = person.device, .until = until};
        auto stream = co_await target.connect(visit);
        Conversation conversation(std::move(stream));
        co_await be_greeted(conversation);
        co_await give_password(conversation, person.user);
        const auto now = auth::SystemClock().now();
        auto code = has_code ? supply.code_again(person.user, now) : supply.next_code(person.user, now);
        result.has_code = false;  // until the server says so
        co_await conversation.send(std::move(code));
        const auto answer = co_await conversation.next();
        result = judge(answer);
    } catch (const std::exception& error) {
        result.why = error.what();
    }
    co_return result;
}

}  // namespace

asio::awaitable<Login> log_in_patiently(const Target& target, Supply& supply, Person person,
                                        std::chrono::seconds patience)
{
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor);
    const auto begin = Clock::now();
    const auto give_up = begin + patience;
    Login login;
    bool has_code = false;
    for (;;) {
        ++login.tries;
        auto result = co_await try_once(target, supply, person, give_up, has_code);
        has_code = result.has_code;
        login.in = result.in;
        login.refused = result.refused;
        login.why = std::move(result.why);
        login.took = Clock::now() - begin;
        const auto again = Clock::now() + result.retry_after;
        if (login.in || login.refused || again >= give_up) co_return login;
        timer.expires_at(again);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

}  // namespace securelogin::bench
