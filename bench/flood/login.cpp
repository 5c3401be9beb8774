#include "bench/flood/login.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "bench/load/browser.hpp"
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

Try judge(const Browser::Answer& answer)
{
    using Status = boost::beast::http::status;
    Try result{.in = answer.status == Status::see_other, .refused = answer.status == Status::unauthorized};
    result.has_code = answer.status == Status::too_many_requests;
    if (result.has_code) result.retry_after = answer.retry_after;
    if (!result.in) result.why = std::to_string(static_cast<unsigned>(answer.status));
    return result;
}

/// What one try takes; `has_code` is what is left of the one before, and for the next.
struct Means {
    const Target& target;
    Supply& supply;
    const Person& person;
    Clock::time_point until;
    bool& has_code;
};

std::string code_for(const Means& means)
{
    const auto now = auth::SystemClock().now();
    const auto user = means.person.user;
    auto code = means.has_code ? means.supply.code_again(user, now) : means.supply.next_code(user, now);
    means.has_code = false;  // until the server says so
    return code;
}

asio::awaitable<Try> talk(const Means& means)
{
    const Visit visit{.source = means.person.source, .device = means.person.device, .until = means.until};
    auto stream = co_await means.target.connect(visit);
    Conversation conversation(std::move(stream));
    co_await be_greeted(conversation);
    co_await give_password(conversation, means.person.user);
    auto code = code_for(means);
    co_await conversation.send(std::move(code));
    const auto answer = co_await conversation.next();
    co_return judge(answer);
}

asio::awaitable<Try> browse(const Means& means)
{
    const auto& person = means.person;
    const Visit visit{.source = person.source, .until = means.until};
    auto stream = co_await means.target.connect(visit);
    Browser browser(std::move(stream), means.target.port(),
                    person.cookie != nullptr ? *person.cookie : std::string());
    co_await browser.load_login_page();
    auto code = code_for(means);
    const auto answer = co_await browser.attempt(person.user, std::move(code));
    auto result = judge(answer);
    if (result.in && person.cookie != nullptr) *person.cookie = browser.device();
    co_return result;
}

asio::awaitable<Try> try_once(const Target& target, Supply& supply, const Person& person,
                              Clock::time_point until, bool has_code)
{
    const Means means{
        .target = target, .supply = supply, .person = person, .until = until, .has_code = has_code};
    Try result;
    try {
        if (target.door() == Door::lines) {
            result = co_await talk(means);
        } else {
            result = co_await browse(means);
        }
    } catch (const std::exception& error) {
        result.has_code = has_code;
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
