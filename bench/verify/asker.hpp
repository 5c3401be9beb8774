// asker.hpp: one connection on which tokens are asked about, so many at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace securelogin::bench {

/// All tokens one after the other, each with its line's end.
class TokenLines {
  public:
    explicit TokenLines(std::uint32_t tokens);
    [[nodiscard]] std::string_view line(std::uint32_t number) const;
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

  private:
    std::uint32_t count_;
    std::string text_;
};

class Asker {
  public:
    /// Connected when this returns.  Throws std::runtime_error.  `echo`: the answer is the question.
    Asker(const std::string& path, const TokenLines& tokens, bool echo, std::uint64_t seed);
    ~Asker();
    Asker(const Asker&) = delete;
    Asker& operator=(const Asker&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    /// Asks about so many tokens, chosen at random.
    void ask(unsigned count);
    /// Reads what is there; how many answers were whole.  Those that are not a yes are failures.
    [[nodiscard]] unsigned take_answers();
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }

  private:
    [[nodiscard]] std::uint32_t next_number() noexcept;

    int descriptor_;
    const TokenLines& tokens_;
    const std::string_view yes_;  // how a right answer begins
    std::uint64_t random_;
    std::uint64_t failures_ = 0;
    std::string unread_;
    std::string unsent_;
};

}  // namespace securelogin::bench
