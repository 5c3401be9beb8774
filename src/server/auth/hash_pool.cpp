#include "server/auth/hash_pool.hpp"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <functional>
#include <future>
#include <string>
#include <utility>

#include "server/auth/hash_arena.hpp"

namespace securelogin::auth {
namespace {

constexpr int kNicerBy = 5;
constexpr double kNewest = 1.0 / 16;  // the weight of the latest hash in the average

/// Hashing takes all the processor there is: I/O, which keeps everybody else waiting, goes first.
void make_thread_nicer() noexcept
{
    constexpr id_t this_thread = 0;  // Linux: niceness is the thread's, not the process's
    errno = 0;
    const int niceness = getpriority(PRIO_PROCESS, this_thread);
    if (errno == 0) setpriority(PRIO_PROCESS, this_thread, niceness + kNicerBy);
}

/// What waits for an answer that cannot be given, for want of memory, goes with the job.  The thread stays.
void run_whatever_it_throws(const std::function<void()>& run) noexcept
try {
    run();
} catch (...) {
    return;
}

}  // namespace

/// Lives as long as the place or the job, whichever is longer.  All of it is guarded by the pool's mutex.
struct HashPool::Place::State {
    enum class Phase { reserved, queued, running, ended };

    State(HashPool& owner, Asker who) : pool(owner), asker(std::move(who)) {}

    HashPool& pool;
    const Asker asker;
    Phase phase = Phase::reserved;
    Job job = {};
};

HashPool::Place& HashPool::Place::operator=(Place&& other) noexcept
{
    if (this != &other) {
        release();
        state_ = std::move(other.state_);
    }
    return *this;
}

HashPool::Place::~Place() { release(); }

void HashPool::Place::submit(Job job)
{
    auto& pool = state_->pool;
    {
        const std::lock_guard lock(pool.mutex_);
        assert(state_->phase == State::Phase::reserved);
        if (pool.stopping_) return;
        pool.queue_.push(state_->asker, state_);
        state_->job = std::move(job);
        state_->phase = State::Phase::queued;
    }
    pool.wake_.notify_one();
}

void HashPool::Place::release() noexcept
{
    const auto state = std::exchange(state_, nullptr);
    if (!state) return;
    // Destroyed after the lock is given back: a job may own what owns other places.
    Job dropped;
    const std::lock_guard lock(state->pool.mutex_);
    if (state->phase == State::Phase::ended) return;    // freed when its job ended
    if (state->phase == State::Phase::running) return;  // its thread frees it
    if (state->phase == State::Phase::queued) {
        state->pool.queue_.erase(state->asker, state);
        std::swap(dropped, state->job);
    }
    --state->pool.taken_;
}

HashPool::HashPool(Limits limits, const HashParameters& parameters) : limits_(limits), parameters_(parameters)
{
    assert(limits.threads >= 1 && limits.queue >= limits.threads);
    std::vector<std::future<void>> arenas;
    try {
        for (std::size_t number = 0; number < limits_.threads; ++number) {
            std::promise<void> ready;
            arenas.push_back(ready.get_future());
            threads_.emplace_back(&HashPool::work, this, number, std::move(ready));
        }
        for (auto& arena : arenas) arena.get();
    } catch (...) {
        stop();
        throw;
    }
}

HashPool::~HashPool() { stop(); }

void HashPool::stop() noexcept
{
    std::vector<Job> dropped;  // destroyed without the lock: a job may own what owns other places
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        while (const auto state = queue_.pop()) {
            (*state)->phase = Place::State::Phase::ended;
            dropped.push_back(std::exchange((*state)->job, {}));
            --taken_;
        }
    }
    wake_.notify_all();
    dropped.clear();  // before the wait: a job that runs may wait for what these hold
    for (auto& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

std::optional<HashPool::Place> HashPool::reserve(Asker asker)
{
    auto state = std::make_shared<Place::State>(*this, std::move(asker));
    Job displaced;
    {
        const std::lock_guard lock(mutex_);
        if (taken_ >= places_now()) {
            const auto victim = queue_.displace_for(state->asker);
            if (!victim) return std::nullopt;
            (*victim)->phase = Place::State::Phase::ended;
            displaced = std::exchange((*victim)->job, {});
            --taken_;
        }
        ++taken_;
    }
    Place place(std::move(state));
    if (displaced.displaced) displaced.displaced();
    return place;
}

std::size_t HashPool::places() const
{
    const std::lock_guard lock(mutex_);
    return places_now();
}

/// As many as are served in the longest wait, and at least one that waits for each thread.
std::size_t HashPool::places_now() const noexcept
{
    if (hash_time_.count() <= 0) return limits_.queue;
    const double served = std::chrono::duration<double>(limits_.longest_wait) / hash_time_ *
                          static_cast<double>(limits_.threads);
    const auto least = std::min(2 * limits_.threads, limits_.queue);
    return served < static_cast<double>(limits_.queue) ? std::max(static_cast<std::size_t>(served), least)
                                                       : limits_.queue;
}

void HashPool::work(std::size_t number, std::promise<void> ready) noexcept
{
    pthread_setname_np(pthread_self(), ("hash/" + std::to_string(number)).c_str());
    make_thread_nicer();
    std::optional<HashArena> arena;
    try {
        arena.emplace(parameters_);
    } catch (...) {
        ready.set_exception(std::current_exception());
        return;
    }
    ready.set_value();
    while (const auto state = next()) run(*state);
}

std::shared_ptr<HashPool::Place::State> HashPool::next()
{
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return nullptr;
    auto state = *queue_.pop();
    state->phase = Place::State::Phase::running;
    return state;
}

void HashPool::run(Place::State& state)
{
    auto job = std::exchange(state.job, {});  // no one else touches it while the phase is `running`
    const auto begin = std::chrono::steady_clock::now();
    run_whatever_it_throws(job.run);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    job = {};  // what it holds, a password perhaps, goes before the place is told free
    const std::lock_guard lock(mutex_);
    hash_time_ = hash_time_.count() <= 0 ? took : hash_time_ + (took - hash_time_) * kNewest;
    state.phase = Place::State::Phase::ended;
    --taken_;
}

}  // namespace securelogin::auth
