// store_watch.hpp: what the database holds at the moment, looked at every few seconds for the metrics.
//
// A scrape reads numbers that are there already, however often it comes.  The look costs a few index scans of
// bounded length on a reader of its own: the writer goes on meanwhile.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "server/auth/authenticator.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/store.hpp"

namespace securelogin {

class StoreWatch {
  public:
    static constexpr std::chrono::seconds kEvery{5};

    /// Looks once, and then on `control`, which may block for a read.  What cannot be read stays as it was,
    /// and grows old.
    StoreWatch(boost::asio::io_context& control, auth::Store& store, const auth::Clock& clock,
               const auth::Policy& policy);

    /// On the thread of `control`, or before it runs, as all that follows unless it says otherwise.
    void set_policy(const auth::Policy& policy);
    /// The audit has been vouched for up to here.
    void checkpoint_written(const auth::AuditMark& mark);
    void look() noexcept;

    struct Seen {
        auth::StoreState state;
        std::int64_t records_since_checkpoint = 0;  // when it was looked at
        std::chrono::seconds checkpoint_age{0};     // from the start on, where there is none yet
        std::chrono::seconds age{0};                // since it was looked at
    };
    /// Any thread.
    [[nodiscard]] Seen seen() const noexcept;
    /// What is wrong with the database, in a sentence; empty: it was read a moment ago.  Any thread.
    [[nodiscard]] std::string trouble() const;

  private:
    using Clock = std::chrono::steady_clock;

    void schedule();

    auth::Store& store_;
    const auth::Clock& clock_;
    auth::Policy policy_;
    std::unique_ptr<auth::Reader> reader_;
    boost::asio::steady_timer timer_;
    std::int64_t checkpoint_ = 0;  // id
    std::atomic<bool> readable_ = true;
    std::atomic<std::size_t> waits_ = 0;
    std::atomic<std::size_t> ceilings_ = 0;
    std::atomic<std::size_t> sessions_ = 0;
    std::atomic<std::int64_t> last_audit_ = 0;
    std::atomic<std::int64_t> since_checkpoint_ = 0;
    std::atomic<Clock::time_point> checkpoint_at_ = Clock::now();
    std::atomic<Clock::time_point> looked_at_ = Clock::now();
};

}  // namespace securelogin
