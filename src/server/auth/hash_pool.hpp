// hash_pool.hpp: the threads that hash passwords, and the bounded queue in front of them.
//
// A place is reserved before an attempt is charged, so that a full queue is told at once and costs nothing.
// The queue is fair (fair_queue.hpp) and bounded by time: there are as many places as are served within
// Limits::longest_wait at the speed of the latest hashes.  A job whose place is gone before it has started is
// dropped: the peer has left.  A job that waits may have to give its place to somebody with a better claim.
// Each thread has a HashArena and runs a little nicer than the rest of the program.
//
// All members may be called from any thread.  The pool must outlive its places; its destructor drops what has
// not started and joins.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "server/auth/fair_queue.hpp"
#include "server/auth/phc.hpp"

namespace securelogin::auth {

class HashPool {
  public:
    struct Limits {
        std::size_t threads;  // >= 1
        std::size_t queue;    // most places in all, running jobs included; >= threads
        std::chrono::milliseconds longest_wait =
            std::chrono::seconds(2);  // fewer places when hashes are slow
    };

    /// What happens to a job that waits.  Neither may throw.
    struct Job {
        std::function<void()> run;                  // on a hash thread
        std::function<void()> displaced = nullptr;  // instead, on any thread: its place was given to another
    };

    /// A place in the queue.  Movable.  Destroying it before the job has started drops the job; destroying it
    /// while the job runs lets it end.  The place is free again when the job has ended or was dropped: who
    /// waits for a slow peer afterwards keeps nobody out.
    class Place {
      public:
        Place(Place&&) noexcept = default;
        Place& operator=(Place&& other) noexcept;
        ~Place();

        /// Queues `job`: at most one of its two functions is called, once.
        /// REQUIRES: not called before on this place.
        void submit(Job job);
        void submit(std::function<void()> run) { submit(Job{.run = std::move(run)}); }

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

    /// Nothing when all places are taken by those with a better claim.
    [[nodiscard]] std::optional<Place> reserve(Asker asker = {});

    /// Drops what has not started, lets end what runs, and joins: no job runs after it.  Places stay valid.
    /// The destructor does the same.
    void stop() noexcept;

    [[nodiscard]] std::size_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }

    /// How many places there are at the moment.
    [[nodiscard]] std::size_t places() const;

  private:
    void work(std::size_t number, std::promise<void> ready) noexcept;
    [[nodiscard]] std::shared_ptr<Place::State> next();
    void run(Place::State& state);
    [[nodiscard]] std::size_t places_now() const noexcept;

    const Limits limits_;
    const HashParameters parameters_;
    std::atomic<std::size_t> taken_ = 0;
    mutable std::mutex mutex_;  // guards what follows, to the threads
    std::condition_variable wake_;
    FairQueue<std::shared_ptr<Place::State>> queue_;
    std::chrono::duration<double> hash_time_{0};  // of the latest, averaged; 0 before the first
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace securelogin::auth
