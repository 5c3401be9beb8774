// hash_pool.hpp: the threads that hash passwords, and the bounded queue in front of them.
//
// A place is reserved before any other work is done for an attempt, so that a full queue is told at once and
// costs nothing.  Jobs run in the order of their submission.  A job whose ticket is gone before it has
// started is dropped: the peer has left.  Each thread has a HashArena and runs a little nicer than the rest
// of the program.
//
// All members may be called from any thread.  The pool must outlive its places; its destructor drops what has
// not started and joins.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "server/auth/phc.hpp"

namespace securelogin::auth {

class HashPool {
  public:
    struct Limits {
        std::size_t threads;  // >= 1
        std::size_t queue;    // places in all, running jobs included; >= threads
    };

    /// A place in the queue.  Movable.  Destroying it before the job has started drops the job; destroying it
    /// while the job runs lets it end.  The place is free again when the job has ended or was dropped: who
    /// waits for a slow peer afterwards keeps nobody out.
    class Place {
      public:
        Place(Place&&) noexcept = default;
        Place& operator=(Place&& other) noexcept;
        ~Place();

        /// Queues `job`, which must not throw; it runs once on a hash thread, or never.
        /// REQUIRES: not called before on this place.
        void submit(std::function<void()> job);

      private:
        friend class HashPool;
        struct State;
        explicit Place(std::shared_ptr<State> state) : state_(std::move(state)) {}
        void release() noexcept;
        std::shared_ptr<State> state_;
    };

    /// Starts the threads; returns when each has its arena.  Throws std::bad_alloc, std::system_error.
    HashPool(Limits limits, const HashParameters& parameters);
    ~HashPool();
    HashPool(const HashPool&) = delete;
    HashPool& operator=(const HashPool&) = delete;

    /// Nothing when all places are taken.
    [[nodiscard]] std::optional<Place> reserve();

    /// Drops what has not started, lets end what runs, and joins: no job runs after it.  Places stay valid.
    /// The destructor does the same.
    void stop() noexcept;

    [[nodiscard]] std::size_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

  private:
    void work(std::size_t number, std::promise<void> ready) noexcept;
    [[nodiscard]] std::shared_ptr<Place::State> next();
    void run(Place::State& state);

    const Limits limits_;
    const HashParameters parameters_;
    std::atomic<std::size_t> taken_ = 0;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::shared_ptr<Place::State>> queue_;  // guarded by mutex_
    bool stopping_ = false;                            // guarded by mutex_
    std::vector<std::thread> threads_;
};

}  // namespace securelogin::auth
