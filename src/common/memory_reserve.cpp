#include "common/memory_reserve.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace securelogin {
namespace {

constexpr std::size_t kReserve = 1U << 16U;  // octets: what some hundred handlers of Asio's take

/// The process's own, as the handler of operator new is.
std::atomic<void*>& reserve() noexcept
{
    static std::atomic<void*> kept = nullptr;
    return kept;
}

void give_up_reserve()
{
    void* const kept = reserve().exchange(nullptr);
    if (kept == nullptr) throw std::bad_alloc();
    std::free(kept);
}

}  // namespace

void install_memory_reserve() noexcept
{
    refill_memory_reserve();
    std::set_new_handler(give_up_reserve);
}

void refill_memory_reserve() noexcept
{
    if (reserve().load(std::memory_order_relaxed) != nullptr) return;
    void* fresh = std::malloc(kReserve);
    void* nothing = nullptr;
    if (fresh != nullptr && !reserve().compare_exchange_strong(nothing, fresh)) std::free(fresh);
}

}  // namespace securelogin
