#include "server/net/serve.hpp"

#include <exception>

namespace securelogin::net {
namespace {

void tell(EventLog& log, const std::exception& error) noexcept
try {
    log.write(Level::error, "handler_failed", {{"error", error.what()}});
} catch (const std::exception&) {
    return;  // nor is there memory to say so
}

}  // namespace

void serve(boost::asio::io_context& io, EventLog& log, const std::function<void()>& recover) noexcept
{
    for (bool failed = false;;) {
        try {
            if (failed && recover) recover();
            failed = false;
            io.run();
            return;
        } catch (const std::exception& error) {
            failed = true;
            tell(log, error);
        }
    }
}

}  // namespace securelogin::net
