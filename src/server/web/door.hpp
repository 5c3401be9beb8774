// door.hpp: the browsers' door: HTTPS pages, an interface for programs, and GET /verify for reverse proxies.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/event_log.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/store.hpp"
#include "server/auth/token_memory.hpp"
#include "server/net/door.hpp"
#include "server/web/site.hpp"
#include "server/web/worker.hpp"

namespace securelogin::web {

/// What the threads of the door run.  Apart from it: connections that are open at the end go with these,
/// after the store has answered whoever they wait for.
class Contexts {
  public:
    explicit Contexts(std::size_t threads);
    [[nodiscard]] const std::vector<std::unique_ptr<boost::asio::io_context>>& all() const noexcept
    {
        return all_;
    }

  private:
    std::vector<std::unique_ptr<boost::asio::io_context>> all_;
};

class Door final : public net::Door {
  public:
    /// A thread for each context.  `remembered` tokens; nought: each is looked up.  All must outlive this.
    /// Throws auth::StoreError.
    Door(Contexts& contexts, std::size_t remembered, auth::Store& store, const auth::Clock& clock,
         EventLog& log, std::shared_ptr<const Site> site);

    /// Starts the threads.  Once.
    void start();
    /// They have ended when this returns.
    void stop();
    /// Requests that come from now on are served with this.  Any thread.
    void reload(const std::shared_ptr<const Site>& site);

    [[nodiscard]] boost::asio::any_io_executor executor() override;
    [[nodiscard]] std::shared_ptr<net::Visitor> open(net::Visitor::Entry entry) override;
    [[nodiscard]] bool speaks_for_many(const auth::Source& peer) const override;
    [[nodiscard]] std::string farewell() const override;

  private:
    [[nodiscard]] std::shared_ptr<const Site> site() const;
    [[nodiscard]] Worker& worker_of(const net::Visitor::Entry& entry);

    const std::unique_ptr<auth::TokenMemory> memory_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::atomic<std::size_t> next_ = 0;  // whose turn it is
    mutable std::mutex mutex_;
    std::shared_ptr<const Site> site_;  // guarded
};

}  // namespace securelogin::web
