#include "server/web/worker.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>
#include <utility>

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
    thread_ = std::thread([this] { run(); });
}

/// What a handler throws is want of memory, and ends the connection that it belonged to.
void Worker::run() noexcept
{
    for (bool failed = false;;) {
        try {
            const auto stays = asio::make_work_guard(io_);
            if (failed) schedule_tick();  // it may have been the tick's
            failed = false;
            io_.run();
            return;
        } catch (const std::exception& error) {
            failed = true;
            log_.write(Level::error, "handler_failed", {{"error", error.what()}});
        }
    }
}

void Worker::reload(std::shared_ptr<const Site> site)
{
    asio::post(io_, [this, site = std::move(site)] {
        site_ = site;
        desk_.set_policy(site_->sessions);
    });
}

auth::TokenVerdict Worker::check(std::string_view token)
{
    desk_.keep_up();
    return desk_.check(token);
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
