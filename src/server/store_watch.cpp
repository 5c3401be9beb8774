#include "server/store_watch.hpp"

#include <algorithm>
#include <exception>

namespace securelogin {

StoreWatch::StoreWatch(boost::asio::io_context& control, auth::Store& store, const auth::Clock& clock,
                       const auth::Policy& policy)
    : store_(store), clock_(clock), policy_(policy), timer_(control)
{
    look();
    schedule();
}

void StoreWatch::set_policy(const auth::Policy& policy) { policy_ = policy; }

void StoreWatch::checkpoint_written(const auth::AuditMark& mark)
{
    checkpoint_ = mark.id;
    since_checkpoint_ = 0;
    checkpoint_at_ = Clock::now();
}

void StoreWatch::look() noexcept
try {
    if (!reader_) reader_ = store_.open_reader();
    const auto now = clock_.now();
    const auto state = reader_->state({.now = now,
                                       .waits_since = now - policy_.waits.longest_wait,
                                       .ceilings_reached = auth::reached_after(policy_.ceiling, now)});
    waits_ = state.waits;
    ceilings_ = state.ceilings;
    sessions_ = state.sessions;
    last_audit_ = state.last_audit;
    since_checkpoint_ = std::max<std::int64_t>(state.last_audit - checkpoint_, 0);
    looked_at_ = Clock::now();
    readable_ = true;
} catch (const std::exception&) {
    reader_.reset();
    readable_ = false;
}

StoreWatch::Seen StoreWatch::seen() const noexcept
{
    using std::chrono::duration_cast;
    using std::chrono::seconds;
    const auto now = Clock::now();
    return {
        .state = {.waits = waits_, .ceilings = ceilings_, .sessions = sessions_, .last_audit = last_audit_},
        .records_since_checkpoint = since_checkpoint_,
        .checkpoint_age = duration_cast<seconds>(now - checkpoint_at_.load()),
        .age = duration_cast<seconds>(now - looked_at_.load())};
}

void StoreWatch::schedule()
{
    timer_.expires_after(kEvery);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        look();
        schedule();
    });
}

std::string StoreWatch::trouble() const
{
    constexpr int misses = 3;
    if (!readable_) return "the database cannot be read: see the log";
    const auto age = seen().age;
    if (age < misses * kEvery) return {};
    return "the database has not been read for " + std::to_string(age.count()) + " s: see the log";
}

}  // namespace securelogin
