// wire.hpp: octets to and from the server.  Knows no line; TlsConnection is the one the program uses.
//
// One thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "client/file_descriptor.hpp"

namespace securelogin::client {

class Wire {
  public:
    Wire() = default;
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    virtual ~Wire() = default;

    /// At least one octet; 0 when none has come by the deadline (one in the past: does not wait).
    /// Throws ConnectionLost when the server has closed, Failure (protocol) when TLS is broken.
    [[nodiscard]] virtual std::size_t read(std::span<char> into, Deadline deadline) = 0;

    /// All of `bytes`.  Throws ConnectionLost, also when they are not taken by the deadline.
    virtual void write(std::string_view bytes, Deadline deadline) = 0;

    /// What to poll while waiting for something else; readable when read() may have something.
    [[nodiscard]] virtual int descriptor() const noexcept = 0;
};

}  // namespace securelogin::client
