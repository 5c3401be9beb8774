// user_name.hpp: the one spelling of a user's name.
//
// A name is folded to lower case (ASCII) and must then match [a-z0-9][a-z0-9._-]{0,63}.  What does not match
// is no UserName, so that two spellings can never be two accounts or two counters.  Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace securelogin::auth {

class UserName {
  public:
    static constexpr std::size_t kLongest = 64;  // characters

    /// Nothing when what was typed can be nobody's name.  Nothing is trimmed.
    [[nodiscard]] static std::optional<UserName> parse(std::string_view typed);

    [[nodiscard]] const std::string& str() const noexcept { return folded_; }
    friend bool operator==(const UserName&, const UserName&) = default;

  private:
    explicit UserName(std::string folded) : folded_(std::move(folded)) {}
    std::string folded_;
};

/// ASCII lower case; every other octet as it is.
[[nodiscard]] std::string fold_case(std::string_view text);

}  // namespace securelogin::auth
