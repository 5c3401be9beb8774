// slots.hpp: how many connections may be open, in all and per source.
//
// A network (Source::network()) may have as many as kNetworkShare sources: who holds an IPv6 /48 has 65,536.
// Counted where a connection is accepted, before it has cost anything.  A slot is free again as soon as its
// connection's socket is closed.  Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "server/auth/source.hpp"

namespace securelogin::net {

class Slots {
  public:
    struct Limits {
        std::size_t in_all;
        std::size_t per_source;
    };

    /// One connection's.  Gives the slot back when destroyed.  The Slots must outlive it.
    class Slot {
      public:
        Slot(Slot&& other) noexcept
            : slots_(std::exchange(other.slots_, nullptr)), bucket_(other.bucket_), network_(other.network_)
        {
        }
        Slot& operator=(Slot&&) = delete;
        ~Slot()
        {
            if (slots_ != nullptr) slots_->give_back(bucket_, network_);
        }

      private:
        friend class Slots;
        using Entry = std::map<std::string, std::size_t>::iterator;
        Slot(Slots& slots, Entry bucket, Entry network) noexcept
            : slots_(&slots), bucket_(bucket), network_(network)
        {
        }
        Slots* slots_;
        Entry bucket_;   // in per_source_, as long as this counts there
        Entry network_;  // the same one where there is no wider network
    };

    explicit Slots(Limits limits) : limits_(limits) {}

    /// Who speaks for many, a proxy of the operator's, is bounded with everybody together only, and may have
    /// three quarters.
    enum class Bound { source_and_all, all };

    /// Nothing when this source, or everybody together, has as many as may be.
    [[nodiscard]] std::optional<Slot> take(const auth::Source& source, Bound bound = Bound::source_and_all);
    /// What is open stays open.
    void set_limits(Limits limits);
    [[nodiscard]] std::size_t taken() const;

    struct Counts {
        std::size_t taken = 0;
        std::uint64_t given = 0;    // so far, those given back included
        std::uint64_t refused = 0;  // so far
    };
    [[nodiscard]] Counts counts() const;

  private:
    void give_back(Slot::Entry bucket, Slot::Entry network) noexcept;
    void take_one_of(Slot::Entry entry) noexcept;

    mutable std::mutex mutex_;
    Limits limits_;  // guarded by mutex_, as is all below
    std::size_t taken_ = 0;
    std::uint64_t given_ = 0;
    std::uint64_t refused_ = 0;
    // By bucket and, where that is another, by network.  No entry is 0: bounded by what is open.
    std::map<std::string, std::size_t> per_source_;
};

}  // namespace securelogin::net
