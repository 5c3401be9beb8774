// source.hpp: where an attempt comes from, as budgets and caps count it.
//
// One holder of an IPv6 /64 has 2^64 addresses: they count as one source.  Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace securelogin::auth {

class Source {
  public:
    /// From a numeric address without port.  IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) is IPv4; a zone
    /// (`%eth0`) is dropped.  What is no IP address (a Unix socket) is the source `local`.
    [[nodiscard]] static Source from_address(std::string_view address);

    /// A device that has proved its key: it counts as a source of its own, wherever it is.  `fingerprint` is
    /// text.
    [[nodiscard]] static Source of_device(std::string_view fingerprint);

    /// The whole of network(), as one source: for budgets that an IPv6 /48 is to have but once.
    [[nodiscard]] static Source of_network(const Source& source);

    /// The whole address, for people: `192.0.2.7`, `2001:db8::1`, `local`.
    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    /// What counts as one: an IPv4 address, an IPv6 /64 (`2001:db8:0:1::/64`), `local`, `device:...`.
    [[nodiscard]] const std::string& bucket() const noexcept { return bucket_; }
    /// What one holder may well have all of: the IPv6 /48 that the /64 lies in (RFC 6177; `2001:db8::/48`);
    /// else bucket().
    [[nodiscard]] const std::string& network() const noexcept { return network_; }

  private:
    Source(std::string address, const std::string& bucket) : Source(std::move(address), bucket, bucket) {}
    Source(std::string address, std::string bucket, std::string network)
        : address_(std::move(address)), bucket_(std::move(bucket)), network_(std::move(network))
    {
    }
    std::string address_;
    std::string bucket_;
    std::string network_;
};

}  // namespace securelogin::auth
