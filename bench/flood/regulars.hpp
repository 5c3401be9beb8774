// regulars.hpp: the real users, of the three kinds that the server tells apart when it is busy.
#pragma once

#include <array>
#include <boost/asio/ip/address_v4.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/supply.hpp"
#include "bench/support/population.hpp"
#include "client/device_key.hpp"

namespace securelogin::bench {

/// How a user is known: by the device, wherever it is; by the address; not at all.
enum class Kind { device, source, stranger };
inline constexpr std::array kKinds{Kind::device, Kind::source, Kind::stranger};
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

/// Somebody who is about to log in.
struct Person {
    UserNumber user = 0;
    boost::asio::ip::address_v4 source;
    const client::DeviceKey* device = nullptr;  // as long as the Regulars
    std::string* cookie = nullptr;              // the same for a browser: empty until it has been given one
};

/// Users of one kind, each with a device or an address of their own.  A device shows up at another address
/// each time, a stranger at one that nobody has come from.  Not safe for use by two threads at once.
class Regulars {
  public:
    /// Users `first` to `first`+`users`-1.  Throws OpenSslError.
    Regulars(Kind kind, UserNumber first, UserNumber users);

    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    /// Everybody's turn comes before anybody's comes again.
    [[nodiscard]] Person next();
    /// Of the codes of these users.
    [[nodiscard]] Supply& supply() noexcept { return supply_; }

  private:
    [[nodiscard]] boost::asio::ip::address_v4 source_of(UserNumber user);

    Kind kind_;
    UserNumber first_;
    Supply supply_;
    std::vector<client::DeviceKey> devices_;  // by user - first_; empty unless kind_ is device
    std::vector<std::string> cookies_;        // the same
    std::uint32_t places_ = 0;                // visited so far
};

}  // namespace securelogin::bench
