// work_crew.hpp: threads that do what they are given, in the order in which it was given to them.
//
// The caller keeps what is under way within bounds.  Each thread has a HashArena once it has hashed, and runs
// nicer than a daemon's hash threads: who logs in goes first.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "server/auth/hash_arena.hpp"
#include "server/auth/phc.hpp"
#include "server/store/seal.hpp"

namespace securelogin::admin {

class WorkCrew {
  public:
    /// What a thread has of its own.
    struct Desk {
        std::optional<auth::HashArena> arena = {};
        store::Nonces nonces = {};
        /// Hashes on this thread run in an arena from now on.  Throws std::bad_alloc.
        void prepare_for(const auth::HashParameters& parameters)
        {
            if (!arena) arena.emplace(parameters);
        }
    };
    using Work = std::function<void(Desk&)>;  // must not throw

    /// Throws std::system_error.
    explicit WorkCrew(std::size_t threads);
    /// Drops what has not started, and joins.
    ~WorkCrew();
    WorkCrew(const WorkCrew&) = delete;
    WorkCrew& operator=(const WorkCrew&) = delete;

    void give(Work work);
    [[nodiscard]] std::size_t threads() const noexcept { return threads_.size(); }

  private:
    void run();
    void stop() noexcept;

    std::mutex mutex_;  // guards what follows, to the threads
    std::condition_variable wake_;
    std::deque<Work> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace securelogin::admin
