#include "server/auth/clock.hpp"

#include <sys/random.h>

#include <array>
#include <bit>
#include <cerrno>
#include <limits>
#include <system_error>

namespace securelogin::auth {

Time SystemClock::now() const noexcept
{
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

void SystemRandom::fill(std::span<std::uint8_t> bytes)
{
    while (!bytes.empty()) {
        const auto got = getrandom(bytes.data(), bytes.size(), 0);
        if (got >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(got));
        } else if (errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "drawing random bytes from the kernel");
        }
    }
}

std::int64_t random_id(Random& random)
{
    std::array<std::uint8_t, sizeof(std::int64_t)> bytes{};
    random.fill(bytes);
    return std::bit_cast<std::int64_t>(bytes) & std::numeric_limits<std::int64_t>::max();
}

}  // namespace securelogin::auth
