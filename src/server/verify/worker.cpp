#include "server/verify/worker.hpp"

#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "common/openssl.hpp"
#include "server/net/serve.hpp"
#include "server/token_answer.hpp"
#include "server/verify/limits.hpp"

namespace securelogin::verify {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kTick{1};
constexpr std::string_view kTryLater = "try later";
constexpr std::chrono::seconds kComplaintEvery{1};

}  // namespace

Worker::Worker(auth::Store& store, auth::TokenMemory* memory, const auth::Clock& clock, EventLog& log,
               const Terms& terms, std::atomic<std::size_t>& open)
    : log_(log),
      open_(open),
      terms_(terms),
      desk_(store, memory, clock, terms.sessions),
      now_(std::chrono::steady_clock::now()),
      io_(1),
      timer_(io_)
{
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
    thread_ = std::thread([this] {
        const auto stays = asio::make_work_guard(io_);
        net::serve(io_, log_, [this] { schedule_tick(); });  // what has failed may have been the tick's
    });
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
        desk_.set_policy(terms.sessions);
    });
}

/// Those whose question is read in the same round of the context's cost one look at what has ended.
void Worker::answer_soon(std::shared_ptr<Connection> connection)
{
    // First: one that is in line is always answered, whatever there is no memory for.
    if (asked_.empty()) asio::post(io_, [this] { answer_all(); });
    asked_.push_back(std::move(connection));
}

/// In steps for all of them, so that the memory that one waits for is on its way while others are seen to.
void Worker::answer_all()
{
    const auto asked = std::exchange(asked_, {});
    inquiries_.clear();
    for (const auto& connection : asked) connection->ask();
    readable_ = keep_up();
    for (const auto& inquiry : inquiries_) answer(inquiry);
    for (const auto& connection : asked) connection->send();
    for (const auto& connection : std::exchange(answered_, {})) connection->go_on();
}

void Worker::go_on_soon(std::shared_ptr<Connection> connection)
{
    answered_.push_back(std::move(connection));
}

bool Worker::keep_up()
{
    try {
        desk_.keep_up();
        return true;
    } catch (const auth::StoreError& error) {
        complain(error.what());
        return false;
    }
}

void Worker::inquire(std::string_view question, std::string& out)
{
    Inquiry inquiry{.out = out, .token = std::nullopt, .refusal = kNotAToken};
    try {
        inquiry.token = desk_.expect(question);
    } catch (const OpenSslError& error) {
        complain(error.what());
        inquiry.refusal = kTryLater;
    }
    inquiries_.push_back(inquiry);
}

void Worker::answer(const Inquiry& inquiry)
{
    auto& out = inquiry.out;
    if (!readable_) {
        append_refusal(out, kTryLater);
    } else if (!inquiry.token) {
        append_refusal(out, inquiry.refusal);
    } else {
        try {
            append_answer(out, desk_.check(*inquiry.token));
        } catch (const auth::StoreError& error) {
            complain(error.what());
            append_refusal(out, kTryLater);
        }
    }
    out += '\n';
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
    desk_.write_uses();
}

void Worker::close_idle()
{
    for (auto* const connection : connections_) {
        if (now_ - connection->last_active() >= terms_.idle) connection->close();
    }
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
