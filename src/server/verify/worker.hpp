// worker.hpp: a thread that answers whose token it is, with a reader of its own.
//
// It may block on the disk, as the I/O threads of the login server may not.  Workers share the memory of
// tokens, and a count of connections. What a program with a token does is a use of its session: that is
// noted, and written down together once a second.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "common/event_log.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/session.hpp"
#include "server/auth/store.hpp"
#include "server/auth/token_desk.hpp"
#include "server/verify/connection.hpp"

namespace securelogin::verify {

/// What a reload may change.
struct Terms {
    auth::SessionPolicy sessions = {};
    std::chrono::seconds idle{
        std::chrono::minutes(15)};  // a connection that does not ask for so long is closed
};

class Worker {
  public:
    /// `open` counts the connections of all workers: beyond kMostConnections the next are closed.  All of
    /// them must outlive this; `memory` may be null.
    Worker(auth::Store& store, auth::TokenMemory* memory, const auth::Clock& clock, EventLog& log,
           const Terms& terms, std::atomic<std::size_t>& open);
    /// Ends all connections.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Starts the thread.  Once.
    void start();
    /// The thread has ended when this returns; connections have not.
    void stop();

    // Any thread.

    /// A connected Unix socket, the worker's from now on.
    void adopt(int descriptor) noexcept;
    void set_terms(const Terms& terms);
    [[nodiscard]] boost::asio::io_context& io() noexcept { return io_; }

    // For its connections, on its thread.

    /// Has it answer, together with all that have been asked something meanwhile.
    void answer_soon(std::shared_ptr<Connection> connection);
    /// Has it go on when all of this round have been answered: by then, mostly, the next question is there.
    /// REQUIRES: it is being answered.
    void go_on_soon(std::shared_ptr<Connection> connection);
    /// Puts a question; in this round its answer is appended to `out`.  Never throws but std::bad_alloc: what
    /// cannot be looked up is a no.  REQUIRES: that connection's turn to ask has come.
    void inquire(std::string_view question, std::string& out);
    /// As of the last second.
    [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept { return now_; }
    void enter(Connection& connection)
    {
        connections_.insert(&connection);
        ++open_;
    }
    void leave(Connection& connection) noexcept
    {
        connections_.erase(&connection);
        --open_;
    }

  private:
    struct Inquiry {
        std::string& out;
        std::optional<auth::TokenHash> token;
        std::string_view refusal;  // where there is none
    };

    void welcome(int descriptor);
    void answer_all();
    void answer(const Inquiry& inquiry);
    [[nodiscard]] bool keep_up();
    void schedule_tick();
    void tick();
    void close_idle();
    void complain(const char* why);

    EventLog& log_;
    std::atomic<std::size_t>& open_;
    Terms terms_;
    auth::TokenDesk desk_;
    std::chrono::steady_clock::time_point now_;
    std::chrono::steady_clock::time_point complained_;
    bool readable_ = true;  // whether the database is
    std::unordered_set<Connection*> connections_;
    boost::asio::io_context io_;  // holds the connections: goes before what they leave
    boost::asio::steady_timer timer_;
    std::vector<std::shared_ptr<Connection>> asked_;     // who has been asked something; sockets of io_'s
    std::vector<Inquiry> inquiries_;                     // of this round
    std::vector<std::shared_ptr<Connection>> answered_;  // in this round
    std::thread thread_;
};

}  // namespace securelogin::verify
