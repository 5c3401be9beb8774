#include "server/housekeeping.hpp"

#include <chrono>
#include <exception>
#include <utility>

namespace securelogin {
namespace {

constexpr std::chrono::minutes kPurgeEvery{1};
constexpr std::chrono::seconds kPurgeMoreAfter{1};
constexpr std::chrono::days kForgotten{7};  // failures that nobody came back for
constexpr std::chrono::days kSourceForgotten{90};
constexpr std::chrono::hours kRenewalEvery{12};

}  // namespace

Housekeeping::Housekeeping(boost::asio::io_context& control, auth::Store& store, const auth::Clock& clock,
                           EventLog& log, std::function<void()> renew_certificate)
    : store_(store),
      clock_(clock),
      log_(log),
      renew_certificate_(std::move(renew_certificate)),
      purge_timer_(control),
      renewal_timer_(control)
{
    schedule_purge(kPurgeEvery);
    schedule_renewal();
}

void Housekeeping::schedule_purge(std::chrono::seconds after)
{
    purge_timer_.expires_after(after);
    purge_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) purge();
    });
}

void Housekeeping::purge()
{
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
    schedule_purge(more ? kPurgeMoreAfter : std::chrono::seconds(kPurgeEvery));
}

void Housekeeping::schedule_renewal()
{
    renewal_timer_.expires_after(kRenewalEvery);
    renewal_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        renew_certificate_();
        schedule_renewal();
    });
}

}  // namespace securelogin
