#include "server/web/worker.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <utility>

#include "server/net/serve.hpp"
#include "server/web/questions.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kTickOfUses{1};

}  // namespace

Worker::Worker(asio::io_context& io, auth::Store& store, auth::TokenMemory* memory, const auth::Clock& clock,
               EventLog& log, std::shared_ptr<const Site> site)
    : log_(log), site_(std::move(site)), desk_(store, memory, clock, site_->sessions), io_(io), timer_(io_)
{
    schedule_tick();
}

Worker::~Worker() { stop(); }

void Worker::stop()
{
    io_.stop();
    if (thread_.joinable()) thread_.join();
}

void Worker::start()
{
    thread_ = std::thread([this] {
        const auto stays = asio::make_work_guard(io_);
        net::serve(io_, log_, [this] { schedule_tick(); });  // what has failed may have been the tick's
    });
}

void Worker::reload(std::shared_ptr<const Site> site)
{
    asio::post(io_, [this, site = std::move(site)] {
        site_ = site;
        desk_.set_policy(site_->sessions);
    });
}

auth::TokenVerdict Worker::check(const auth::TokenHash& token)
{
    if (!kept_up_) desk_.keep_up();
    return desk_.check(token);
}

auth::TokenVerdict Worker::check(std::string_view token)
{
    const auto hash = expect(token);
    return hash ? check(*hash) : auth::TokenVerdict{.malformed = true};
}

void Worker::answer_soon(std::shared_ptr<Questions> questions)
{
    // First: one that is in line is always answered, whatever there is no memory for.
    if (asked_.empty()) asio::post(io_, [this] { answer_all(); });
    asked_.push_back(std::move(questions));
}

void Worker::answer_all()
{
    asked_.swap(answered_);
    try {
        desk_.keep_up();
        kept_up_ = true;
    } catch (const std::exception&) {
        kept_up_ = false;  // each tries again, and tells why it fails
    }
    for (const auto& questions : answered_) questions->answer();
    kept_up_ = false;
    // Together: whoever is woken by the first finds the others, too.
    for (const auto& questions : answered_) questions->send();
    // By now, mostly, the next question is there.
    for (const auto& questions : answered_) questions->read_on();
    answered_.clear();
}

bool Worker::may_complain()
{
    constexpr std::chrono::seconds apart{1};
    const auto now = std::chrono::steady_clock::now();
    if (now - complained_ < apart) return false;
    complained_ = now;
    return true;
}

void Worker::schedule_tick()
{
    timer_.expires_after(kTickOfUses);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        schedule_tick();  // first: whatever fails below, there is a next time
        desk_.write_uses();
    });
}

}  // namespace securelogin::web
