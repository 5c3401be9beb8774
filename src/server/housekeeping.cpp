#include "server/housekeeping.hpp"

#include <chrono>
#include <ctime>
#include <exception>
#include <utility>

#include "server/audit_checkpoint.hpp"

namespace securelogin {
namespace {

constexpr std::chrono::minutes kPurgeEvery{1};
constexpr std::chrono::milliseconds kPurgeMoreAfter{100};  // rows come no faster than so many are hashed
constexpr std::chrono::days kForgotten{7};                 // failures that nobody came back for
constexpr std::chrono::days kSourceForgotten{90};
constexpr std::chrono::hours kRenewalEvery{12};
constexpr std::chrono::hours kCheckpointEvery{1};
constexpr std::chrono::seconds kLookAtClockEvery{10};

/// Nobody can set it, and it goes on while the machine sleeps.
std::chrono::seconds steady_now() noexcept
{
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec);
}

}  // namespace

Housekeeping::Housekeeping(boost::asio::io_context& control, auth::Store& store, const auth::Clock& clock,
                           EventLog& log, std::function<void()> renew_certificate,
                           std::function<void(const auth::AuditMark&)> checkpoint_written)
    : store_(store),
      clock_(clock),
      log_(log),
      renew_certificate_(std::move(renew_certificate)),
      checkpoint_written_(std::move(checkpoint_written)),
      purge_timer_(control),
      renewal_timer_(control),
      checkpoint_timer_(control),
      clock_timer_(control),
      clock_watch_(clock.now(), steady_now())
{
    checkpoint("start");
    schedule_checkpoint();
    schedule_look_at_clock();
    schedule_purge(kPurgeEvery);
    schedule_renewal();
}

void Housekeeping::schedule_purge(std::chrono::milliseconds after)
{
    purge_timer_.expires_after(after);
    purge_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) purge();
    });
}

void Housekeeping::purge()
{
    schedule_purge(kPurgeEvery);
    const auto now = clock_.now();
    bool more = false;
    try {
        auth::transact(store_, [&](auth::Transaction& transaction) {
            more = transaction.purge(
                {.now = now, .forgotten = now - kForgotten, .forgotten_source = now - kSourceForgotten});
        });
    } catch (const std::exception& error) {
        log_.write(Level::error, "purge_failed", {{"error", error.what()}});
    }
    if (more) schedule_purge(kPurgeMoreAfter);
}

void Housekeeping::checkpoint(std::string_view why)
{
    if (const auto mark = write_checkpoint(store_, clock_, log_, why)) checkpoint_written_(*mark);
}

void Housekeeping::schedule_checkpoint()
{
    checkpoint_timer_.expires_after(kCheckpointEvery);
    checkpoint_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        schedule_checkpoint();  // first: whatever fails below, there is a next time
        checkpoint("hourly");
    });
}

void Housekeeping::schedule_look_at_clock()
{
    clock_timer_.expires_after(kLookAtClockEvery);
    clock_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        schedule_look_at_clock();
        look_at_clock();
    });
}

void Housekeeping::look_at_clock()
{
    const auto now = clock_.now();
    const auto by = clock_watch_.look(now, steady_now());
    if (!by) return;
    const auto record = auth::record_of_clock_step(now, *by);
    try {
        auth::transact(store_, [&](auth::Transaction& transaction) { transaction.append_audit(record); });
    } catch (const std::exception& error) {
        log_.write(Level::error, "store", {{"error", error.what()}});
    }
    const auto alarm = auth::Alarm::clock_stepped;
    log_.write(level_of(alarm), to_string(alarm), {{"seconds", record.reason}});
}

void Housekeeping::schedule_renewal()
{
    renewal_timer_.expires_after(kRenewalEvery);
    renewal_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        schedule_renewal();
        renew_certificate_();
    });
}

}  // namespace securelogin
