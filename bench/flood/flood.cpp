#include "bench/flood/flood.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <exception>
#include <string>
#include <utility>

#include "common/reply.hpp"

namespace securelogin::bench {
namespace asio = boost::asio;
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLoginsPerConnection = 3;  // as many as the server allows
constexpr std::size_t kMostOpen = 8000;          // connections: descriptors are finite
constexpr std::chrono::milliseconds kTick{5};
constexpr std::chrono::seconds kPatience{60};       // the server's own, between two answers
constexpr std::uint32_t kFirstSource = 0x7F080001;  // 127.8.0.1, and then one from each /24 after it
constexpr std::uint32_t kSourceDistance = 0x100;

/// Every other one is a user's name; none comes again soon.
std::string name_for(std::uint64_t login, const FloodPlan& plan)
{
    if (login % 2 == 0) return "nobody" + std::to_string(login);
    const auto users = plan.users_to - plan.users_from;
    return name_of(plan.users_from + static_cast<UserNumber>(login / 2 % users));
}

std::string wrong_logins(std::uint64_t connection, const FloodPlan& plan)
{
    std::string lines;
    for (std::size_t login = 0; login < kLoginsPerConnection; ++login) {
        if (login > 0) lines += "\r\n";
        lines += name_for(connection * kLoginsPerConnection + login, plan) + "\r\nnot the password\r\n000000";
    }
    return lines;
}

/// The same as a program says it, which costs the server most for what it costs the sender here, too.
std::string wrong_requests(std::uint64_t connection, const FloodPlan& plan)
{
    std::string requests;
    for (std::size_t login = 0; login < kLoginsPerConnection; ++login) {
        const auto body = R"({"username":")" + name_for(connection * kLoginsPerConnection + login, plan) +
                          R"(","password":"not the password","code":"000000"})";
        requests += "POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
        if (login + 1 == kLoginsPerConnection) requests += "Connection: close\r\n";
        requests += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    return requests;
}

}  // namespace

Flood::Flood(const Target& target, const FloodPlan& plan) : target_(target), plan_(plan)
{
    asio::co_spawn(io_, offer(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
}

Flood::~Flood() { stop(); }

void Flood::stop() noexcept
{
    io_.stop();
    if (thread_.joinable()) thread_.join();
}

FloodTally Flood::finish()
{
    stop();
    tally_.turned_away = tally_.offered - tally_.judged - tally_.not_judged - tally_.granted;
    return tally_;
}

asio::awaitable<void> Flood::offer()
{
    asio::steady_timer timer(io_);
    const double per_second = plan_.logins_per_second / kLoginsPerConnection;
    for (auto at = plan_.begin; at < plan_.end; at += kTick) {
        timer.expires_at(at);
        co_await timer.async_wait(asio::use_awaitable);
        const std::chrono::duration<double> gone = std::min(Clock::now(), plan_.end) - plan_.begin;
        const auto due = static_cast<std::uint64_t>(gone.count() * per_second);
        while (connections_ < due) offer_one();
    }
}

void Flood::offer_one()
{
    const auto number = connections_++;
    if (open_ >= kMostOpen) {
        tally_.held_back += kLoginsPerConnection;
        return;
    }
    tally_.offered += kLoginsPerConnection;
    tally_.most_open = std::max(tally_.most_open, ++open_);
    asio::co_spawn(io_, attack(number), asio::detached);
}

asio::awaitable<void> Flood::attack(std::uint64_t number)
{
    try {
        const auto place = static_cast<std::uint32_t>(number % plan_.sources);
        const Visit visit{.source = asio::ip::address_v4(kFirstSource + place * kSourceDistance),
                          .until = Clock::now() + kPatience};
        auto stream = co_await target_.connect(visit);
        if (target_.door() == Door::lines) {
            Conversation conversation(std::move(stream));
            auto lines = wrong_logins(number, plan_);
            co_await conversation.send(std::move(lines));
            co_await listen(conversation);
        } else {
            const auto requests = wrong_requests(number, plan_);
            const auto octets = asio::buffer(requests);
            co_await asio::async_write(stream, octets, asio::use_awaitable);
            co_await read_answers(stream);
        }
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): turned away, which is counted by what
                                       // is missing
    }
    --open_;
}

/// Until the server closes: then the conversation throws.
asio::awaitable<void> Flood::listen(Conversation& conversation)
{
    for (;;) {
        const auto answer = co_await conversation.next();
        if (answer.code == code::kRefused) ++tally_.judged;
        if (answer.code == code::kTryLater) ++tally_.not_judged;
        if (answer.code == code::kLoggedIn) ++tally_.granted;
    }
}

/// Until the server closes: then reading throws.
asio::awaitable<void> Flood::read_answers(Stream& stream)
{
    namespace http = boost::beast::http;
    boost::beast::flat_buffer received;
    for (;;) {
        http::response<http::string_body> response;
        co_await http::async_read(stream, received, response, asio::use_awaitable);
        if (response.result() == http::status::unauthorized) ++tally_.judged;
        if (response.result() == http::status::too_many_requests) ++tally_.not_judged;
        if (response.result() == http::status::ok) ++tally_.granted;
    }
}

}  // namespace securelogin::bench
