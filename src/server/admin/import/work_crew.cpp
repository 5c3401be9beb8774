#include "server/admin/import/work_crew.hpp"

#include <sys/resource.h>

#include <utility>

#include "server/admin/terminal.hpp"

namespace securelogin::admin {
namespace {

constexpr int kNiceness = 10;

void make_thread_nicer() noexcept
{
    constexpr id_t this_thread = 0;  // Linux: niceness is the thread's, not the process's
    setpriority(PRIO_PROCESS, this_thread, kNiceness);
}

}  // namespace

WorkCrew::WorkCrew(std::size_t threads)
{
    const SignalsHeld held;
    try {
        for (std::size_t number = 0; number < threads; ++number) threads_.emplace_back(&WorkCrew::run, this);
    } catch (...) {
        stop();
        throw;
    }
}

WorkCrew::~WorkCrew() { stop(); }

void WorkCrew::stop() noexcept
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void WorkCrew::give(Work work)
{
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(work));
    }
    wake_.notify_one();
}

void WorkCrew::run()
{
    make_thread_nicer();
    Desk desk;
    for (;;) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        const auto work = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        work(desk);
    }
}

}  // namespace securelogin::admin
