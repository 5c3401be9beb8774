#include "server/net/server.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <cerrno>
#include <thread>
#include <utility>

#include "common/memory_reserve.hpp"
#include "common/result_token.hpp"

namespace securelogin::net {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds kPauseWhenShort{100};
constexpr std::chrono::seconds kTurnAwayPatience{2};
constexpr int kCourtesiesPerSecond =
    10;  // handshakes spent on telling those who find no slot that there is none

/// A descriptor kept for the day when there are none: given up for a moment, it lets one waiting connection
/// be accepted and closed, so that the peer learns at once and the queue moves.
class Reserve {
  public:
    Reserve() { reopen(); }
    ~Reserve() { give_up(); }
    Reserve(const Reserve&) = delete;
    Reserve& operator=(const Reserve&) = delete;

    void give_up() noexcept
    {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
    }
    void reopen() noexcept
    {
        if (descriptor_ < 0) descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    }

  private:
    int descriptor_ = -1;
};

}  // namespace

struct Server::Listener {
    Listener(const asio::any_io_executor& executor, const Endpoint& at, Door& leads_to)
        : door(leads_to), endpoint(at), acceptor(executor), pause(executor)
    {
    }
    ~Listener()
    {
        if (endpoint.unix_path) ::unlink(endpoint.unix_path->c_str());
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    Door& door;
    Endpoint endpoint;
    Acceptor acceptor;
    asio::steady_timer pause;
    Reserve reserve;
    std::optional<KeptGoing> accepting;  // the loop
};

Server::Server(asio::io_context& io, Gate& gate, EventLog& log)
    : io_(io), log_(log), gate_(gate), drain_deadline_(asio::make_strand(io))
{
}

Server::~Server() = default;

Server::Listening Server::listen(ListeningSocket socket, Door& door)
{
    const asio::any_io_executor strand = asio::make_strand(io_);
    auto& listener = listeners_.emplace_back(strand, socket.endpoint(), door);
    listener.acceptor = socket.take_over(strand);
    listener.accepting.emplace([this, &listener](KeptGoing::Token token) {
        asio::co_spawn(listener.acceptor.get_executor(), accept_loop(listener, std::move(token)),
                       asio::detached);
    });
    return {.address = to_string(listener.acceptor.local_endpoint()), .tls = listener.endpoint.tls};
}

void Server::drain(std::chrono::seconds patience, std::function<void()> drained)
{
    for (auto& listener : listeners_) {
        asio::post(listener.acceptor.get_executor(), [&listener] {
            boost::system::error_code ignored;
            listener.accepting->end();
            listener.acceptor.close(ignored);
            listener.pause.cancel();
        });
    }
    std::vector<std::shared_ptr<Visitor>> open;
    {
        const std::lock_guard lock(mutex_);
        draining_ = true;
        drained_ = std::move(drained);
        for (const auto& [id, weak] : open_) {
            if (auto visitor = weak.lock()) open.push_back(std::move(visitor));
        }
    }
    for (const auto& visitor : open) visitor->shut_down();
    asio::post(drain_deadline_.get_executor(), [this, patience] { await_drained(patience); });
}

void Server::await_drained(std::chrono::seconds patience)
{
    {
        const std::lock_guard lock(mutex_);
        if (open_.empty()) patience = std::chrono::seconds(0);
    }
    drain_deadline_.expires_after(patience);
    drain_deadline_.async_wait([this](const boost::system::error_code&) {
        std::function<void()> call;
        {
            const std::lock_guard lock(mutex_);
            call = std::exchange(drained_, nullptr);
        }
        if (call) call();
    });
}

asio::awaitable<void> Server::accept_loop(Listener& listener, [[maybe_unused]] KeptGoing::Token token)
{
    while (listener.acceptor.is_open()) {
        try {
            refill_memory_reserve();
            const auto executor = listener.door.executor();
            auto [error, socket] = co_await listener.acceptor.async_accept(executor, kResult);
            if (error) {
                co_await recover_from(error, listener);
            } else {
                welcome(std::move(socket), listener);
            }
        } catch (const std::exception&) {
            // Out of memory: nothing that could be awaited is to be had, so one I/O thread waits.
            std::this_thread::sleep_for(kPauseWhenShort);
        }
    }
}

asio::awaitable<void> Server::recover_from(const boost::system::error_code& error, Listener& listener)
{
    if (error == asio::error::operation_aborted) co_return;   // the listener was closed
    if (error == asio::error::connection_aborted) co_return;  // the peer left before it was accepted
    log_.write(Level::error, "accept_failed",
               {{"error", error.message()}, {"remedy", "raise the limit of open files (LimitNOFILE)"}});
    listener.reserve.give_up();
    const int shed =
        ::accept4(listener.acceptor.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (shed >= 0) ::close(shed);
    listener.reserve.reopen();
    listener.pause.expires_after(kPauseWhenShort);
    co_await listener.pause.async_wait(kResult);
}

void Server::welcome(Stream::Socket socket, Listener& listener)
{
    try {
        boost::system::error_code gone;
        const auto peer = socket.remote_endpoint(gone);
        if (gone) return;
        auto source = source_of(peer);
        const bool for_many = listener.door.speaks_for_many(source);
        if (!for_many && !gate_.accepts.take(source, std::chrono::steady_clock::now())) {
            return turn_away(std::move(socket), listener, std::move(source), "too_fast");
        }
        auto slot = gate_.slots.take(source, for_many ? Slots::Bound::all : Slots::Bound::source_and_all);
        if (!slot) return turn_away(std::move(socket), listener, std::move(source), "no_slot");

        const int no_delay = 1;  // fails on a Unix socket, which has no such delay
        ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay);
        Stream stream(std::move(socket));
        std::uint64_t id = 0;
        {
            const std::lock_guard lock(mutex_);
            if (draining_) return;
            id = next_id_++;
        }
        start(listener.door.open({.stream = std::move(stream),
                                  .slot = std::move(slot),
                                  .source = std::move(source),
                                  .id = id}),
              listener.endpoint.tls);
    } catch (const std::exception& error) {
        log_.write(Level::error, "connection_failed", {{"error", error.what()}});
    }
}

void Server::start(const std::shared_ptr<Visitor>& visitor, bool tls)
{
    const auto id = visitor->id();
    {
        const std::lock_guard lock(mutex_);
        if (draining_) return;
        open_.emplace(id, visitor);
    }
    asio::co_spawn(visitor->executor(), visitor->serve(tls ? &gate_.handshakes : nullptr),
                   [this, visitor, id](const std::exception_ptr&) { forget(id); });
}

/// Tells a peer that it is not served, where that costs next to nothing.
void Server::turn_away(Stream::Socket socket, Listener& listener, auth::Source source, std::string_view why)
{
    log_.write(Level::debug, why, {{"source", source.address()}});
    if (!listener.endpoint.tls) {
        const auto farewell = listener.door.farewell();
        // An empty send buffer takes it whole; if not, the close alone must do.
        [[maybe_unused]] const auto sent =
            ::send(socket.native_handle(), farewell.data(), farewell.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        const auto now = std::chrono::steady_clock::now();
        if (now - courtesy_from_ >= std::chrono::seconds(1)) {
            courtesy_from_ = now;
            courtesies_ = 0;
        }
        if (draining_ || courtesies_ >= kCourtesiesPerSecond) return;
        ++courtesies_;
    }
    const auto visitor = listener.door.open(
        {.stream = Stream(std::move(socket)), .slot = std::nullopt, .source = std::move(source), .id = 0});
    asio::co_spawn(visitor->executor(), visitor->turn_away(kTurnAwayPatience),
                   [visitor](const std::exception_ptr&) {});
}

void Server::forget(std::uint64_t id)
{
    const std::lock_guard lock(mutex_);
    open_.erase(id);
    // The deadline's handler is what reports: here it is only brought forward.
    if (draining_ && open_.empty())
        asio::post(drain_deadline_.get_executor(), [this] { drain_deadline_.cancel(); });
}

}  // namespace securelogin::net
