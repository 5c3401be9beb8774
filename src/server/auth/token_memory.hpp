// token_memory.hpp: whose token it was when it was looked up last.
//
// A look-up among a million tokens costs more than all else that is done for a question, so what it found is
// remembered, for all threads together.  It is never believed by itself: before it is asked, keep_up()
// forgets what has ended by then.  So an answer is true of a moment after the question came, as if it had
// been looked up.
//
// Bounded by the number of tokens; within it, by how many are asked about.  Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "server/auth/session.hpp"
#include "server/auth/token.hpp"
#include "server/auth/token_reader.hpp"

namespace securelogin::auth {

class TokenMemory {
  public:
    /// What remembering `most` tokens takes, at most: 101 octets for each of a million.
    [[nodiscard]] static std::size_t bytes_for(std::size_t most) noexcept;

    /// Remembers `most` tokens.  Where there are more, one makes room for another.
    explicit TokenMemory(std::size_t most);
    ~TokenMemory();
    TokenMemory(const TokenMemory&) = delete;
    TokenMemory& operator=(const TokenMemory&) = delete;

    /// When this returns, nothing is remembered that had ended when it was called.  Throws StoreError, and
    /// then what is remembered must not be believed.
    void keep_up(TokenReader& reader);
    /// Has the processor fetch what is remembered of a token that is to be recalled soon.
    void expect(const TokenHash& token) const noexcept;
    /// What was found last, unless it has ended by the last keep_up().
    [[nodiscard]] std::optional<TokenHolder> recall(const TokenHash& token) const;
    /// What has been looked up just now, unless more has ended since.
    void remember(const TokenHash& token, const FoundToken& found);
    /// That it was used at that time, where it is remembered.
    void use(const TokenHash& token, Time at);

  private:
    struct Shard;
    static constexpr std::size_t kShards = 16;

    [[nodiscard]] Shard& shard_of(const TokenHash& token) const noexcept;

    const std::size_t most_each_;  // of a shard
    const std::unique_ptr<std::array<Shard, kShards>> shards_;
    std::mutex keeping_up_;
    /// Endings that somebody has begun to forget by, and all of whose tokens are forgotten: what was looked
    /// up before the former is not to be remembered any more, what is remembered is true as of the latter.
    std::atomic<TokenEndings> begun_ = 0;
    std::atomic<TokenEndings> done_ = 0;
};

}  // namespace securelogin::auth
