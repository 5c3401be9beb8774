#include "server/net/line_door.hpp"

#include <boost/asio/strand.hpp>
#include <utility>

#include "common/reply.hpp"

namespace securelogin::net {
namespace asio = boost::asio;

LineDoor::LineDoor(asio::io_context& io, std::shared_ptr<const Service> service)
    : io_(io), service_(std::move(service))
{
}

void LineDoor::reload(std::shared_ptr<const Service> service)
{
    const std::lock_guard lock(mutex_);
    service_ = std::move(service);
}

/// Each connection has a strand of its own.
asio::any_io_executor LineDoor::executor() { return asio::make_strand(io_); }

std::shared_ptr<Visitor> LineDoor::open(Visitor::Entry entry)
{
    return std::make_shared<Connection>(std::move(entry), service());
}

std::string LineDoor::farewell() const
{
    return to_wire({.code = code::kClosing, .text = "Too many connections"});
}

std::shared_ptr<const Service> LineDoor::service() const
{
    const std::lock_guard lock(mutex_);
    return service_;
}

}  // namespace securelogin::net
