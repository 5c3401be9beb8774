// housekeeping.hpp: what a daemon that runs for years does now and then: forget what is over, renew its
// certificate, tell the log where the audit ends, look at the clock.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string_view>

#include "common/event_log.hpp"
#include "server/auth/alarms.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/store.hpp"

namespace securelogin {

class Housekeeping {
  public:
    /// Writes the audit's checkpoint of the start.  Then runs on `control`, which may block for a commit,
    /// from its next run on.  `renew_certificate` is called twice a day.
    /// `checkpoint_written` is told of each checkpoint, the first included.
    Housekeeping(boost::asio::io_context& control, auth::Store& store, const auth::Clock& clock,
                 EventLog& log, std::function<void()> renew_certificate,
                 std::function<void(const auth::AuditMark&)> checkpoint_written);

  private:
    void schedule_purge(std::chrono::milliseconds after);
    void purge();
    void schedule_renewal();
    void checkpoint(std::string_view why);
    void schedule_checkpoint();
    void schedule_look_at_clock();
    void look_at_clock();

    auth::Store& store_;
    const auth::Clock& clock_;
    EventLog& log_;
    std::function<void()> renew_certificate_;
    std::function<void(const auth::AuditMark&)> checkpoint_written_;
    boost::asio::steady_timer purge_timer_;
    boost::asio::steady_timer renewal_timer_;
    boost::asio::steady_timer checkpoint_timer_;
    boost::asio::steady_timer clock_timer_;
    auth::ClockWatch clock_watch_;
};

}  // namespace securelogin
