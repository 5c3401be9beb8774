// metrics.hpp: what became of attempts, and how long their hashes took.
//
// The reason of a refusal is for the operator only (auth/authenticator.hpp): whoever shows these numbers
// decides who may see them.  Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/metrics.hpp"

namespace securelogin::login {

struct Outcome;

class Metrics {
  public:
    enum class Kind { login, confirm };
    enum class NotJudged { throttled, overloaded, failed };

    static constexpr std::size_t kKinds = 2;
    static constexpr std::size_t kNotJudged = 3;
    static constexpr std::size_t kMostRefusals = 16;  // more than auth::Refusal has
    static constexpr int kMostOffset = 5;             // steps: the widest window that the settings allow

    void count(Kind kind, const Outcome& outcome) noexcept;

    struct Attempts {
        Counter granted;
        std::array<Counter, kMostRefusals> refused;  // by auth::Refusal
        std::array<Counter, kNotJudged> not_judged;  // by NotJudged
    };
    [[nodiscard]] const Attempts& attempts(Kind kind) const
    {
        return attempts_.at(static_cast<std::size_t>(kind));
    }
    /// Accepted codes whose time step was `offset` away from the server's, later ones positive.
    /// REQUIRES: -kMostOffset <= offset <= kMostOffset.
    [[nodiscard]] std::uint64_t codes_accepted(int offset) const
    {
        const int index = offset + kMostOffset;
        return offsets_.at(static_cast<std::size_t>(index)).value();
    }

    Histogram hash_wait{1000,   5000,   10000,   25000,   50000,   100000,
                        250000, 500000, 1000000, 2500000, 5000000, 10000000};  // microseconds
    Histogram hash_time{2500,   5000,   10000,   25000,   50000,  100000,
                        250000, 500000, 1000000, 2500000, 5000000};  // microseconds

  private:
    std::array<Attempts, kKinds> attempts_ = {};
    std::array<Counter, 2 * kMostOffset + 1> offsets_ = {};
};

}  // namespace securelogin::login
