// door.hpp: what lies behind a listener, and serves who comes through it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "server/auth/source.hpp"
#include "server/net/visitor.hpp"

namespace securelogin::net {

/// All members on any thread, several at a time.
class Door {
  public:
    virtual ~Door() = default;

    /// What the next connection runs on: a strand, or the context of one thread.
    [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;
    [[nodiscard]] virtual std::shared_ptr<Visitor> open(Visitor::Entry entry) = 0;
    /// Whether this peer is a proxy of the operator's: who stands behind it is counted further in.
    [[nodiscard]] virtual bool speaks_for_many(const auth::Source& /*peer*/) const { return false; }
    /// What is sent in clear to a peer for whom there is no slot.
    [[nodiscard]] virtual std::string farewell() const = 0;
};

}  // namespace securelogin::net
