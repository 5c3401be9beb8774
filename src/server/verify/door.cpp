#include "server/verify/door.hpp"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <thread>
#include <utility>

#include "common/result_token.hpp"

namespace securelogin::verify {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds kPauseWhenShort{100};

std::vector<std::unique_ptr<Worker>> make_workers(std::size_t threads, auth::Store& store,
                                                  auth::TokenMemory* memory, const auth::Clock& clock,
                                                  EventLog& log, const Terms& terms,
                                                  std::atomic<std::size_t>& open)
{
    std::vector<std::unique_ptr<Worker>> workers;
    workers.reserve(threads);
    for (std::size_t made = 0; made < threads; ++made) {
        workers.push_back(std::make_unique<Worker>(store, memory, clock, log, terms, open));
    }
    return workers;
}

}  // namespace

Door::Door(net::ListeningSocket socket, const Size& size, auth::Store& store, const auth::Clock& clock,
           EventLog& log, const Terms& terms)
    : endpoint_(socket.endpoint()),
      memory_(size.remembered > 0 ? std::make_unique<auth::TokenMemory>(size.remembered) : nullptr),
      workers_(make_workers(size.threads, store, memory_.get(), clock, log, terms, open_)),
      acceptor_(socket.take_over(workers_.front()->io().get_executor())),
      pause_(workers_.front()->io())
{
    accepting_.emplace([this](net::KeptGoing::Token token) {
        asio::co_spawn(acceptor_.get_executor(), accept_loop(std::move(token)), asio::detached);
    });
    for (const auto& worker : workers_) worker->start();
}

Door::~Door()
{
    accepting_->end();
    for (const auto& worker : workers_) worker->stop();
    ::unlink(endpoint_.unix_path->c_str());
}

void Door::set_terms(const Terms& terms)
{
    for (const auto& worker : workers_) worker->set_terms(terms);
}

asio::awaitable<void> Door::accept_loop([[maybe_unused]] net::KeptGoing::Token token)
{
    while (acceptor_.is_open()) {
        try {
            const auto executor = acceptor_.get_executor();
            auto [error, socket] = co_await acceptor_.async_accept(executor, kResult);
            if (error) {
                co_await pause();
            } else {
                hand_over(std::move(socket));
            }
        } catch (const std::exception&) {
            // Out of memory: nothing that could be awaited is to be had.
            std::this_thread::sleep_for(kPauseWhenShort);
        }
    }
}

/// Out of descriptors, mostly: who waits to be accepted waits a little longer.
asio::awaitable<void> Door::pause()
{
    pause_.expires_after(kPauseWhenShort);
    co_await pause_.async_wait(kResult);
}

void Door::hand_over(asio::generic::stream_protocol::socket socket)
{
    boost::system::error_code failed;
    const int descriptor = socket.release(failed);
    if (failed) return;
    workers_[next_]->adopt(descriptor);
    next_ = (next_ + 1) % workers_.size();
}

}  // namespace securelogin::verify
