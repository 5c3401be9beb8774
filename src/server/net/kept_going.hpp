// kept_going.hpp: what has to go on as long as the server does, and is started again when it ends unasked.
//
// A coroutine that waits is held by nothing but the handler that is to resume it.  Asio destroys a handler,
// and the coroutine with it, when there is no memory to hand it to its strand: without a word to anybody. For
// a connection that is right; the loop that accepts them would be missed.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace securelogin::net {

class KeptGoing {
    struct State;

  public:
    /// Lives as long as what was started: an argument of its coroutine.
    class Token {
      public:
        Token(Token&&) noexcept = default;
        Token& operator=(Token&&) = delete;
        ~Token();

      private:
        friend class KeptGoing;
        explicit Token(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

        std::shared_ptr<State> state_;
    };
    /// May throw, and may destroy the token: both are tried again.
    using Start = std::function<void(Token)>;

    /// Starts it.  Whoever destroys the token starts it again, on that thread, with `pause` between tries;
    /// where many have failed the program ends: a server that lets nobody in is to be seen.
    explicit KeptGoing(Start start, std::chrono::milliseconds pause = std::chrono::milliseconds(10));
    /// From now on it may end.
    ~KeptGoing() { end(); }
    KeptGoing(const KeptGoing&) = delete;
    KeptGoing& operator=(const KeptGoing&) = delete;

    /// From now on it may end.  Any thread.
    void end() noexcept;

  private:
    struct State {
        State(Start how, std::chrono::milliseconds between) : start(std::move(how)), pause(between) {}

        const Start start;
        const std::chrono::milliseconds pause;
        std::mutex starts;  // held while it is started
        std::atomic<std::thread::id> starter;
        std::atomic<bool> wanted = true;
        std::atomic<bool> going = false;
    };

    static void keep_going(const std::shared_ptr<State>& state) noexcept;
    static void try_to_start(const std::shared_ptr<State>& state) noexcept;

    const std::shared_ptr<State> state_;
};

}  // namespace securelogin::net
