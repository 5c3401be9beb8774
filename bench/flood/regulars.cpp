#include "bench/flood/regulars.hpp"

namespace securelogin::bench {
namespace {

// Each address in a /24 of its own, so that whatever prefix the server may count by tells them apart.
constexpr std::uint32_t kHomes = 0x7F200000;      // 127.32.0.0
constexpr std::uint32_t kElsewhere = 0x7F400000;  // 127.64.0.0
constexpr std::uint32_t kMostPlaces = 0x2000;
constexpr std::uint32_t kHost = 9;

boost::asio::ip::address_v4 in_network(std::uint32_t first, std::uint32_t number)
{
    return boost::asio::ip::address_v4(first + (number << 8U) + kHost);
}

}  // namespace

std::string_view to_string(Kind kind) noexcept
{
    switch (kind) {
        case Kind::device:
            return "device";
        case Kind::source:
            return "source";
        case Kind::stranger:
            return "stranger";
    }
    return "unknown";
}

Regulars::Regulars(Kind kind, UserNumber first, UserNumber users)
    : kind_(kind), first_(first), supply_(users, 0, first)
{
    if (kind != Kind::device) return;
    for (UserNumber user = 0; user < users; ++user) devices_.push_back(client::DeviceKey::make());
    cookies_.resize(users);
}

Person Regulars::next()
{
    const auto user = supply_.next_user();
    return {.user = user,
            .source = source_of(user),
            .device = kind_ == Kind::device ? &devices_[user - first_] : nullptr,
            .cookie = kind_ == Kind::device ? &cookies_[user - first_] : nullptr};
}

boost::asio::ip::address_v4 Regulars::source_of(UserNumber user)
{
    if (kind_ == Kind::source) return in_network(kHomes, user % kMostPlaces);
    const auto kinds_own = static_cast<std::uint32_t>(kind_) * kMostPlaces;
    return in_network(kElsewhere, kinds_own + places_++ % kMostPlaces);
}

}  // namespace securelogin::bench
