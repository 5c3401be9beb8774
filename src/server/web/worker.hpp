// worker.hpp: a thread that serves browsers' connections, with a reader of the database of its own.
//
// A look-up of a session may block on the disk, as the I/O threads of the line protocol may not: so this door
// has threads of its own, and a connection stays on one of them.  Workers share the memory of tokens.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "common/event_log.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/store.hpp"
#include "server/auth/token_desk.hpp"
#include "server/auth/token_memory.hpp"
#include "server/web/site.hpp"

namespace securelogin::web {

class Questions;

class Worker {
  public:
    /// All must outlive this; `memory` may be null.  `io` is run by one thread, this worker's.  Throws
    /// auth::StoreError.
    Worker(boost::asio::io_context& io, auth::Store& store, auth::TokenMemory* memory,
           const auth::Clock& clock, EventLog& log, std::shared_ptr<const Site> site);
    /// Connections stay as they are until `io` goes.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Starts the thread.  Once.
    void start();
    /// The thread has ended when this returns; connections have not.
    void stop();

    // Any thread.

    [[nodiscard]] boost::asio::io_context& io() noexcept { return io_; }
    /// The requests that come from now on are served with this.
    void reload(std::shared_ptr<const Site> site);

    // On its thread.

    [[nodiscard]] const std::shared_ptr<const Site>& site() const noexcept { return site_; }
    /// auth::SessionCheck::expect().  Throws OpenSslError.
    [[nodiscard]] std::optional<auth::TokenHash> expect(std::string_view token)
    {
        return desk_.expect(token);
    }
    /// Whose token it is now.  Throws auth::StoreError.
    [[nodiscard]] auth::TokenVerdict check(const auth::TokenHash& token);
    /// Both.
    [[nodiscard]] auth::TokenVerdict check(std::string_view token);
    /// Has it answer in the next round, together with all that have been asked something meanwhile: they cost
    /// one look at what has ended.
    void answer_soon(std::shared_ptr<Questions> questions);
    /// Once a second: what anybody can cause as often as they like does not fill the log.
    [[nodiscard]] bool may_complain();

  private:
    void answer_all();
    void schedule_tick();

    EventLog& log_;
    std::shared_ptr<const Site> site_;
    auth::TokenDesk desk_;
    std::chrono::steady_clock::time_point complained_;
    bool kept_up_ = false;         // for all that is answered in this round
    boost::asio::io_context& io_;  // holds the connections
    boost::asio::steady_timer timer_;
    std::vector<std::shared_ptr<Questions>> asked_;     // are answered in the next round
    std::vector<std::shared_ptr<Questions>> answered_;  // in this one; empty between rounds
    std::thread thread_;
};

}  // namespace securelogin::web
