#include "server/web/door.hpp"

#include <algorithm>
#include <utility>

#include "server/web/answers.hpp"
#include "server/web/connection.hpp"

namespace securelogin::web {
namespace asio = boost::asio;

Contexts::Contexts(std::size_t threads)
{
    for (std::size_t made = 0; made < threads; ++made) {
        all_.push_back(std::make_unique<asio::io_context>(1));
    }
}

Door::Door(Contexts& contexts, std::size_t remembered, auth::Store& store, const auth::Clock& clock,
           EventLog& log, std::shared_ptr<const Site> site)
    : memory_(remembered > 0 ? std::make_unique<auth::TokenMemory>(remembered) : nullptr),
      site_(std::move(site))
{
    for (const auto& io : contexts.all()) {
        workers_.push_back(std::make_unique<Worker>(*io, store, memory_.get(), clock, log, site_));
    }
}

void Door::start()
{
    for (const auto& worker : workers_) worker->start();
}

void Door::stop()
{
    for (const auto& worker : workers_) worker->stop();
}

void Door::reload(const std::shared_ptr<const Site>& site)
{
    {
        const std::lock_guard lock(mutex_);
        site_ = site;
    }
    for (const auto& worker : workers_) worker->reload(site);
}

/// Connections are given out in turn.
asio::any_io_executor Door::executor() { return workers_[next_++ % workers_.size()]->io().get_executor(); }

std::shared_ptr<net::Visitor> Door::open(net::Visitor::Entry entry)
{
    auto& worker = worker_of(entry);
    return std::make_shared<Connection>(std::move(entry), worker, site());
}

bool Door::speaks_for_many(const auth::Source& peer) const { return site()->guard.proxies().trusts(peer); }

std::shared_ptr<const Site> Door::site() const
{
    const std::lock_guard lock(mutex_);
    return site_;
}

/// The socket has been accepted onto one of ours.
Worker& Door::worker_of(const net::Visitor::Entry& entry)
{
    const auto executor = entry.stream.get_executor();
    const auto is_its = [&](const auto& worker) {
        return executor == asio::any_io_executor(worker->io().get_executor());
    };
    return **std::ranges::find_if(workers_, is_its);
}

std::string Door::farewell() const { return web::farewell().text({}); }

}  // namespace securelogin::web
