#include "bench/verify/tokens.hpp"

#include <algorithm>
#include <string>

#include "server/auth/token.hpp"

namespace securelogin::bench {
namespace {

/// Draws the same for the same number.
class Drawn final : public auth::Random {
  public:
    explicit Drawn(std::uint32_t number) : bits_(auth::TokenHasher()("token " + std::to_string(number))) {}
    void fill(std::span<std::uint8_t> bytes) override
    {
        std::copy_n(bits_.begin(), bytes.size(), bytes.begin());
    }

  private:
    auth::TokenHash bits_;
};

}  // namespace

Secret token_of(std::uint32_t number)
{
    Drawn drawn(number);
    return auth::new_token(drawn);
}

}  // namespace securelogin::bench
