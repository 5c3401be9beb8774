#include "server/verify/worker.hpp"

#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "common/openssl.hpp"
#include "server/auth/sessions.hpp"
#include "server/token_answer.hpp"
#include "server/verify/limits.hpp"

namespace securelogin::verify {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kTick{1};
constexpr std::string_view kTryLater = "try later";
/// Uses that are written down in a second.  Each of these sessions has a long time left: it is noted again at
/// its next use.  Those that have not come first (SessionCheck, touch_soon).
constexpr std::size_t kMostUses = 1024;
constexpr std::size_t kMostUrgentUses = 4096;
constexpr std::chrono::seconds kComplaintEvery{1};

}  // namespace

Worker::Worker(auth::Store& store, auth::TokenMemory* memory, const auth::Clock& clock, EventLog& log,
               const Terms& terms, std::atomic<std::size_t>& open)
    : store_(store),
      memory_(memory),
      clock_(clock),
      log_(log),
      open_(open),
      terms_(terms),
      reader_(store.open_token_reader()),
      now_(std::chrono::steady_clock::now()),
      io_(1),
      timer_(io_)
{
    check_.emplace(terms_.sessions, clock_, *reader_, memory_);
    schedule_tick();
}

Worker::~Worker() { stop(); }

void Worker::stop()
{
    io_.stop();
    if (thread_.joinable()) thread_.join();
}

void Worker::start()
{
    thread_ = std::thread([this] { run(); });
}

/// What a handler throws is want of memory, and ends the connection that it belonged to.
void Worker::run() noexcept
{
    for (bool failed = false;;) {
        try {
            const auto stays = asio::make_work_guard(io_);
            if (failed) schedule_tick();  // it may have been the tick's
            failed = false;
            io_.run();
            return;
        } catch (const std::exception& error) {
            failed = true;
            log_.write(Level::error, "handler_failed", {{"error", error.what()}});
        }
    }
}

void Worker::adopt(int descriptor) noexcept
{
    try {
        asio::post(io_, [this, descriptor] { welcome(descriptor); });
    } catch (const std::exception&) {
        ::close(descriptor);
    }
}

void Worker::welcome(int descriptor)
{
    Connection::Socket socket(io_.get_executor());
    boost::system::error_code failed;
    socket.assign(asio::local::stream_protocol(), descriptor, failed);
    if (failed) {
        ::close(descriptor);
        return;
    }
    socket.non_blocking(true, failed);
    if (failed) return;
    if (open_ >= kMostConnections) return;
    std::make_shared<Connection>(std::move(socket), *this)->read();
}

void Worker::set_terms(const Terms& terms)
{
    asio::post(io_, [this, terms] {
        terms_ = terms;
        check_.emplace(terms_.sessions, clock_, *reader_, memory_);
    });
}

/// Those whose question is read in the same round of the context's cost one look at what has ended.
void Worker::answer_soon(std::shared_ptr<Connection> connection)
{
    // First: one that is in line is always answered, whatever there is no memory for.
    if (asked_.empty()) asio::post(io_, [this] { answer_all(); });
    asked_.push_back(std::move(connection));
}

void Worker::answer_all()
{
    const auto asked = std::exchange(asked_, {});
    readable_ = keep_up();
    for (const auto& connection : asked) connection->answer();
}

bool Worker::keep_up()
{
    try {
        check_->keep_up();
        return true;
    } catch (const auth::StoreError& error) {
        complain(error.what());
        return false;
    }
}

void Worker::answer(std::string_view question, std::string& out)
{
    if (!readable_) return append_refusal(out, kTryLater);
    try {
        const auto verdict = check_->check(question);
        append_answer(out, verdict);
        if (verdict.touch && note_use(verdict)) check_->use_noted(question);
    } catch (const auth::StoreError& error) {
        complain(error.what());
        append_refusal(out, kTryLater);
    } catch (const OpenSslError& error) {
        complain(error.what());
        append_refusal(out, kTryLater);
    }
}

bool Worker::note_use(const auth::TokenVerdict& verdict)
{
    if (uses_.size() >= (verdict.touch_soon ? kMostUrgentUses : kMostUses)) return false;
    uses_.emplace(verdict.holder->user, verdict.holder->session);
    return true;
}

void Worker::schedule_tick()
{
    timer_.expires_after(kTick);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        schedule_tick();  // first: whatever fails below, there is a next time
        tick();
    });
}

void Worker::tick()
{
    now_ = std::chrono::steady_clock::now();
    close_idle();
    write_uses();
}

void Worker::close_idle()
{
    for (auto* const connection : connections_) {
        if (now_ - connection->last_active() >= terms_.idle) connection->close();
    }
}

/// Not synced: a use that a power cut makes us forget ends a session too soon, never too late.  A session
/// that has ended meanwhile stays so.
void Worker::write_uses()
{
    if (uses_.empty()) return;
    const auto uses = std::make_shared<const std::vector<Use>>(uses_.begin(), uses_.end());
    uses_.clear();
    const auth::Sessions sessions(terms_.sessions, clock_);
    store_.submit_unsynced(
        [uses, sessions](auth::Transaction& transaction) {
            for (const auto& [user, id] : *uses) {
                [[maybe_unused]] const bool live = sessions.still_live(transaction, user, id);
            }
        },
        [](const std::exception_ptr&) {});
}

/// A broken disk is told, but not once for each of a hundred thousand questions.
void Worker::complain(const char* why)
{
    const auto now = std::chrono::steady_clock::now();
    if (now - complained_ < kComplaintEvery) return;
    complained_ = now;
    log_.write(Level::error, "store", {{"error", why}});
}

}  // namespace securelogin::verify
