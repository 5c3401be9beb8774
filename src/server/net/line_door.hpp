// line_door.hpp: the door of the line protocol.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <mutex>

#include "server/net/connection.hpp"
#include "server/net/door.hpp"

namespace securelogin::net {

class LineDoor final : public Door {
  public:
    /// `io` must outlive this.
    LineDoor(boost::asio::io_context& io, std::shared_ptr<const Service> service);

    /// New connections are served with these; open ones go on with theirs.  Any thread.
    void reload(std::shared_ptr<const Service> service);

    [[nodiscard]] boost::asio::any_io_executor executor() override;
    [[nodiscard]] std::shared_ptr<Visitor> open(Visitor::Entry entry) override;
    [[nodiscard]] std::string farewell() const override;

  private:
    [[nodiscard]] std::shared_ptr<const Service> service() const;

    boost::asio::io_context& io_;
    mutable std::mutex mutex_;
    std::shared_ptr<const Service> service_;  // guarded
};

}  // namespace securelogin::net
