// hash_arena.hpp: the memory that Argon2id works in, taken once per thread.
//
// libsodium maps, faults in and unmaps its memory for every hash, a quarter and more of the hash's time.  A
// thread that holds a HashArena answers those calls from memory that it has already: 2 MiB aligned, huge
// pages where the kernel has them, touched once, kept out of core files, neither locked nor wiped between
// hashes. docs/decisions/0003-hash-arena.md says how libsodium is made to use it.
#pragma once

#include <cstddef>

#include "server/auth/phc.hpp"

namespace securelogin::auth {

class HashArena {
  public:
    /// Makes the arena of the calling thread, large enough for one hash of `parameters`.  Hashes that need
    /// more get their memory from the system as before.  Throws std::bad_alloc. REQUIRES: the calling thread
    /// has none yet.
    explicit HashArena(const HashParameters& parameters);
    /// On the thread that made it.
    ~HashArena();
    HashArena(const HashArena&) = delete;
    HashArena& operator=(const HashArena&) = delete;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }  // bytes
    /// Of an arena for `parameters`.
    [[nodiscard]] static std::size_t size_for(const HashParameters& parameters) noexcept;

    /// While one lives, what libsodium maps on this thread comes out of the thread's arena, if it has one
    /// that is large enough and free.  For the calls that hash, and no others. REQUIRES: one at a time on a
    /// thread.
    class InForce {
      public:
        InForce() noexcept;
        ~InForce();
        InForce(const InForce&) = delete;
        InForce& operator=(const InForce&) = delete;

        /// Whether libsodium has asked for memory on this thread since, and there was none: it calls that a
        /// wrong password.
        [[nodiscard]] bool ran_out() const noexcept;
    };

  private:
    void* memory_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace securelogin::auth
